// Draws the plots with the colours of the style sheet, when they come near the view; again when these change.
// Figures, and Plotly itself, are read when the first plot wants them: the page stands before.
"use strict";
(() => {
  const root = document.documentElement;
  const PAPER_PX = 690;
  const touch = matchMedia("(pointer: coarse)");
  const narrow = matchMedia("(max-width: 44rem)");
  const plots = [...document.querySelectorAll(".plot")].map((place) => ({
    place,
    drawn: false,
  }));

  // Every "--name" in a figure becomes the variable's value.
  const coloured = (value, style) => {
    if (typeof value === "string") return value.startsWith("--") ? style.getPropertyValue(value).trim() : value;
    if (Array.isArray(value)) return value.map((each) => coloured(each, style));
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, coloured(each, style)]));
  };

  const axis = (own) => ({
    gridcolor: "--grid", linecolor: "--line", zerolinecolor: "--line", tickcolor: "--line", automargin: true, ...own,
  });

  const themed = (figure) => {
    const layout = {
      margin: { l: 48, r: 14, t: 14, b: 46 },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      hovermode: "closest",
      hoverlabel: { bgcolor: "--card", bordercolor: "--line", font: { color: "--ink" } },
      showlegend: false,
      dragmode: touch.matches ? false : "zoom",
      ...figure.layout,
      font: { color: "--ink", size: narrow.matches ? 11 : 13, family: getComputedStyle(root).fontFamily },
    };
    for (const key of Object.keys(layout)) if (/^[xy]axis/.test(key)) layout[key] = axis(layout[key]);
    if (root.classList.contains("paper")) layout.width = PAPER_PX;
    layout.annotations = (layout.annotations ?? []).filter((each) => !(each.name === "narrow-hides" && narrow.matches));
    return coloured({ data: figure.data, layout }, getComputedStyle(root));
  };

  const havePlotly = () => {
    if (window.Plotly) return;
    const script = document.createElement("script");
    script.textContent = document.getElementById("plotly").textContent;
    document.head.append(script);
  };

  const draw = (plot) => {
    havePlotly();
    plot.figure ??= JSON.parse(plot.place.querySelector("script").textContent);
    const { data, layout } = themed(plot.figure);
    if (!plot.drawn) plot.place.replaceChildren();
    plot.drawn = true;
    Plotly.react(plot.place, data, layout, { responsive: true, displayModeBar: false });
  };
  const drawAgain = () => plots.filter((plot) => plot.drawn).forEach(draw);

  const near = new IntersectionObserver(
    (entries) => {
      for (const entry of entries.filter((each) => each.isIntersecting)) {
        const plot = plots.find((each) => each.place === entry.target);
        if (!plot.drawn) draw(plot);
        near.unobserve(entry.target);
      }
    },
    { rootMargin: "600px" },
  );
  plots.forEach((plot) => near.observe(plot.place));

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAgain);
  narrow.addEventListener("change", drawAgain);

  // On paper everything is light, drawn and open.
  let closed = [];
  addEventListener("beforeprint", () => {
    root.classList.add("paper");
    closed = [...document.querySelectorAll("details:not([open])")];
    closed.forEach((each) => { each.open = true; });
    plots.forEach(draw);
  });
  addEventListener("afterprint", () => {
    root.classList.remove("paper");
    closed.forEach((each) => { each.open = false; });
    drawAgain();
  });
})();
