// A picture takes its colours from the style sheet, and takes them again when these change.
import { echarts } from "/charts/index.js";

export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
export const series = (at) => colour(`series-${at % 8}`);

export const chart = (place, dress) => {
  const drawn = echarts.init(place, null, { renderer: "canvas" });
  const again = () => dress(drawn);
  queueMicrotask(again); // once whoever asked holds the chart
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  new ResizeObserver(() => { drawn.resize(); again(); }).observe(place);
  return drawn;
};

export const axes = () => {
  const words = { color: colour("muted"), fontFamily: getComputedStyle(document.body).fontFamily, fontSize: 12 };
  return {
    textStyle: words,
    grid: { left: 52, right: 16, top: 26, bottom: 30 },
    animation: false,
    yAxis: {
      type: "value", name: "W", scale: false, nameTextStyle: { ...words, align: "right", padding: [0, 26, 0, 0] },
      axisLabel: words, splitLine: { lineStyle: { color: colour("grid") } }, axisLine: { show: false },
    },
    xAxis: {
      type: "value", axisLabel: { ...words, hideOverlap: true, showMinLabel: false, showMaxLabel: false },
      axisLine: { lineStyle: { color: colour("line") } }, splitLine: { lineStyle: { color: colour("grid") } },
    },
  };
};

export const legend = (place, names) => {
  place.replaceChildren(...(names.length < 2 ? [] : names).map((name, at) => {
    const each = document.createElement("span");
    each.textContent = `${name}, W`;
    each.style.setProperty("--of", `var(--series-${at % 8})`);
    return each;
  }));
};

// As many digits as the report shows.
export const figure = (value, digits = 4) => (Number.isFinite(value) ? Number(value.toPrecision(digits)).toString() : "–");
