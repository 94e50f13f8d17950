"use strict";
(async () => {
  const plots = [...document.querySelectorAll(".ak-plot")];
  const plain = (plot, why) => {
    const note = document.createElement("p");
    note.className = "ak-note";
    note.textContent = why;
    plot.replaceWith(note);
  };
  const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%,()*+-;.=:?@^_`{|}~";
  const value = new Uint8Array(128);
  [...letters].forEach((letter, i) => { value[letter.charCodeAt(0)] = i; });
  // gzip in base 85: five letters are four bytes, the last ones fewer
  const unpack = async (id) => {
    const text = document.getElementById(id).textContent.trim();
    const bytes = new Uint8Array(Math.ceil(text.length / 5) * 4);
    const view = new DataView(bytes.buffer);
    for (let at = 0, to = 0; at < text.length; at += 5, to += 4) {
      let four = 0;
      for (let i = at; i < at + 5; i += 1) four = four * 85 + (i < text.length ? value[text.charCodeAt(i)] : 84);
      view.setUint32(to, four);
    }
    const spare = (5 - text.length % 5) % 5;
    // written to directly, so that nothing waits for another process: a browser that prints at once prints figures too
    const gzip = new DecompressionStream("gzip");
    const writer = gzip.writable.getWriter();
    const written = writer.write(bytes.subarray(0, bytes.length - spare)).then(() => writer.close());
    const [plainText] = await Promise.all([new Response(gzip.readable).text(), written]);
    return plainText;
  };
  let figures = [];
  // plotly sets style attributes, which the policy of this page forbids; through the object model the same is allowed
  const { setAttribute, setAttributeNS } = Element.prototype;
  Element.prototype.setAttribute = function set(name, value) {
    if (String(name).toLowerCase() === "style") this.style.cssText = value;
    else setAttribute.call(this, name, value);
  };
  Element.prototype.setAttributeNS = function set(space, name, value) {
    if (!space && String(name).toLowerCase() === "style") this.style.cssText = value;
    else setAttributeNS.call(this, space, name, value);
  };
  const load = async () => {
    const script = document.createElement("script");
    script.textContent = await unpack("ak-bundle");
    document.head.append(script);
    figures = JSON.parse(await unpack("ak-figures"));
  };
  const config = { displayModeBar: false, responsive: true, scrollZoom: false, showTips: false, staticPlot: false,
    plotlyServerURL: "", topojsonURL: "" };
  // an entity counts as one character, and "n = 5" stays together
  const length = (text) => text.replace(/&#?\w+;/g, "x").length;
  const wrap = (text, width) => {
    const lines = [""];
    for (const word of text.replaceAll(" = ", "\u00a0=\u00a0").split(/<br>| +/)) {
      const parts = length(word) > width ? word.match(new RegExp(`(?:&#?\\w+;|.){1,${width - 1}}[_=/-]|(?:&#?\\w+;|.){1,${width}}`, "gsu")) : [word];
      parts.forEach((part, at) => {  // the rest of a word begins a line
        const last = lines.at(-1);
        if (last && (at || length(last) + 1 + length(part) > width)) lines.push(part);
        else lines[lines.length - 1] = last ? `${last} ${part}` : part;
      });
    }
    return lines.join("<br>");
  };
  const narrow = (data, layout, width) => {
    const { xaxis, yaxis } = layout;
    const names = yaxis?.ticktext ?? [];
    if (names.length) {
      yaxis.ticktext = names.map((name) => wrap(name, 23));
      const tallest = Math.max(...yaxis.ticktext.map((name) => name.split("<br>").length));
      layout.height = Math.max(layout.height, 110 + (17 * tallest + 6) * names.length);
    }
    if (xaxis?.title?.text) xaxis.title.text = wrap(xaxis.title.text, Math.floor((width - (names.length ? 180 : 80)) / 7.5));
    if (yaxis?.title?.text) yaxis.title.text = wrap(yaxis.title.text, 30);
    data.filter((trace) => trace.type === "heatmap" && trace.texttemplate).forEach((trace) => { trace.showscale = false; });
    const named = data.filter((trace) => trace.name && trace.showlegend !== false).flatMap((trace) => trace.name.split("<br>"));
    if (layout.showlegend) layout.height += 20 * Math.max(0, named.length - 3);
    // a scale beside the plot would take the room of the dots: it lies over them
    data.map((trace) => trace.marker?.colorbar).filter(Boolean).forEach((bar) => {
      Object.assign(bar, { orientation: "h", x: 0.5, y: 1, yanchor: "bottom", len: 0.9 });
      bar.title.side = "top";
    });
  };
  const draw = (plot) => {
    const { data, layout } = figures[plots.indexOf(plot)];
    const own = !plot.classList.contains("ak-foreign");
    if (own && plot.clientWidth < 560) narrow(data, layout, plot.clientWidth);
    return Plotly.newPlot(plot, data, layout, config);
  };
  try {
    await load();
  } catch (error) {
    plots.forEach((plot) => plain(plot, "This browser cannot draw the figure; its data stand below."));
    return;
  }
  for (const plot of plots) {
    try {
      await draw(plot);
    } catch (error) {
      plain(plot, "The figure could not be drawn; its data stand below.");
    }
  }
  const size = (width) => plots.filter((plot) => plot.isConnected)
    .forEach((plot) => Plotly.relayout(plot, width ? { width, autosize: false } : { width: null, autosize: true }));
  let opened = [];
  window.addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open]):not(.ak-data)")];
    opened.forEach((one) => { one.open = true; });
    size(660);
  });
  window.addEventListener("afterprint", () => {
    opened.forEach((one) => { one.open = false; });
    size(null);
  });
  document.documentElement.dataset.drawn = "yes";
})();
