"use strict";
const form = document.getElementById("filter");
const rows = [...document.querySelectorAll("#rows > tr")];
function apply() {
  const sought = document.getElementById("find").value.trim().toLowerCase();
  const words = new Set([...form.querySelectorAll("input[name=word]:checked")].map((box) => box.value));
  const tag = document.getElementById("tag")?.value || "";
  const changed = document.getElementById("changed")?.checked || false;
  let shown = 0;
  for (const row of rows) {
    const fits = words.has(row.dataset.word) && row.dataset.sought.includes(sought)
      && (!tag || JSON.parse(row.dataset.tags).includes(tag)) && (!changed || "changed" in row.dataset);
    row.hidden = !fits;
    shown += fits;
  }
  document.getElementById("shown").textContent = shown + " of " + rows.length + " shown";
}
form.hidden = false;
form.addEventListener("input", apply);
form.addEventListener("submit", (event) => event.preventDefault());
apply();
