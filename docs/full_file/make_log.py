"""Log: eight weeks of answers on Adult rows that no audit read; from the seventh, every second woman has no years of education."""

import numpy as np
import pandas as pd

import auditkit as ak

test = ak.data.load_adult()[1]
model = ak.load_subject("adult/adult.toml").model
rows = test.X.iloc[2000:14000].assign(income=test.y[2000:14000])
reference, log = rows.iloc[:4000], rows.iloc[4000:]

start = pd.Timestamp("2026-01-05", tz="UTC")
times = start + pd.to_timedelta(np.linspace(0, 8 * 7 * 86400, len(log), endpoint=False), unit="s")
lost = (times >= start + pd.Timedelta(weeks=6)) & (log["sex"] == "Female") & (np.arange(len(log)) % 2 == 0)
log = log.assign(education_num=log["education_num"].mask(lost), time=times.strftime("%Y-%m-%dT%H:%M:%SZ"))
for name, part in (("reference.csv", reference), ("log.csv", log)):
    part.assign(score=model.predict_proba(part[test.X.columns])[:, 1]).to_csv(name, index=False)
