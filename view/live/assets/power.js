// Power as it is drawn now: the server sends the lowest and the highest reading of each pixel, twelve times a second.
import { axes, chart, colour, figure, legend, series } from "./colours.js";

export const follow = (look, tell) => {
  const place = document.getElementById("chart");
  const now = document.getElementById("now");
  const words = document.getElementById("chart-words");
  let held = { t: [], low: [], high: [], window: 30_000, broken: 1_000, channels: [], total: 0 };
  let said_ms = 0;

  const clock = (ms) => new Date(ms).toISOString().slice(11, 19);
  const drawn = chart(place, (it) => {
    const base = axes();
    base.xAxis.axisLabel.formatter = clock;
    base.yAxis.min = (range) => Math.min(0, range.min);
    it.setOption(base);
    paint();
  });
  window.updates = 0; // how often the picture was drawn: what a benchmark counts

  const points = (at) => {
    const found = [];
    for (let n = 0; n < held.t.length; n += 1) {
      if (n && held.t[n] - held.t[n - 1] > held.broken) found.push([held.t[n - 1] + 1, null]);
      const low = held.low[at][n], high = held.high[at][n];
      if (low === null) continue;
      found.push([held.t[n], low]);
      if (high !== low) found.push([held.t[n], high]);
    }
    return found;
  };

  function paint() {
    if (!drawn || !held.t.length) return;
    const order = [held.total, ...held.channels.keys()].filter((at, n, all) => all.indexOf(at) === n);
    drawn.setOption({
      xAxis: { min: held.edge - held.window, max: held.edge, interval: held.window / 6 },
      series: order.map((at, n) => ({
        id: `${at}`, type: "line", data: points(at), showSymbol: false, silent: true, connectNulls: false, z: 10 - n,
        lineStyle: { width: n ? 1 : 1.5, color: series(n) }, itemStyle: { color: series(n) }, emphasis: { disabled: true },
      })),
    }, { lazyUpdate: false, silent: true });
    window.updates += 1;
  }

  // However many messages wait, they make one picture: a slow browser draws less often and does not fall behind.
  let due = false;
  const soon = () => {
    if (due) return;
    due = true;
    requestAnimationFrame(() => { due = false; paint(); });
  };

  const tidy = () => {
    const first = held.t.findIndex((t) => t >= held.edge - held.window - held.broken);
    if (first <= 0) return;
    held.t.splice(0, first);
    for (const column of [...held.low, ...held.high]) column.splice(0, first);
  };

  const report = (news) => {
    now.textContent = `${figure(news.mean, 4)} W`;
    if (performance.now() - said_ms < 1000) return;
    said_ms = performance.now();
    const of = (column, pick) => pick(...column[held.total].filter((w) => w !== null).slice(-4000));
    const seconds = held.window / 1000;
    words.textContent = news.late > 3
      ? `Nothing has come for ${news.late.toFixed(0)} s.`
      : `Last ${seconds} s: lowest ${figure(of(held.low, Math.min))} W, highest ${figure(of(held.high, Math.max))} W. Each pixel shows its lowest and its highest reading.`;
  };

  const draw = (news) => {
    const t = news.t.map((each) => each + news.base);
    if (news.fresh) {
      held = { ...news, t, edge: 0 };
      const order = [news.total, ...news.channels.keys()].filter((at, n, all) => all.indexOf(at) === n);
      legend(document.getElementById("legend"), order.map((at) => news.channels[at]));
      drawn.setOption({ ...axes(), series: [] }, { replaceMerge: ["series"] });
      drawn.setOption({ xAxis: { axisLabel: { formatter: clock } }, yAxis: { min: (range) => Math.min(0, range.min) } });
    } else {
      held.t.push(...t);
      held.low.forEach((column, at) => column.push(...news.low[at]));
      held.high.forEach((column, at) => column.push(...news.high[at]));
    }
    held.edge = news.base + news.edge;
    tidy();
    soon();
    if (held.t.length) report(news);
  };

  const choose = () => {
    const given = (name) => document.querySelector(`input[name="${name}"]:checked`)?.value;
    look.stream = given("stream") ?? look.stream;
    look.window = Number(given("window") ?? 30);
    look.width = Math.max(50, place.clientWidth - 68);
    tell();
  };
  document.querySelector("form.choices").addEventListener("change", choose);
  choose();
  return draw;
};
