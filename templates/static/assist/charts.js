// Latency and confidence of the last lines, as small charts; their colours are the page's own.

import uPlot from "../vendor/uplot/uPlot.esm.js";

const HEIGHT = 96;
const SEPARATE = 15; // more points than that are a line alone
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const clockFormat = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hour12: false });

// A minute is named once, however many lines of the grid it has.
function minutes(seconds) {
  const names = seconds.map((second) => clockFormat.format(new Date(second * 1000)));
  return names.map((name, place) => (name === names[place - 1] ? "" : name));
}

class Chart {
  constructor(holder, { label, unit, stroke, range, limit }) {
    this.holder = holder;
    this.settings = { label, unit, stroke, range, limit };
    this.data = [[], []];
    this.draw();
    new ResizeObserver(() => this.plot.setSize({ width: this.width(), height: HEIGHT })).observe(holder);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.plot.destroy();
      this.draw();
    });
  }

  width() {
    return Math.max(120, this.holder.clientWidth);
  }

  draw() {
    const { label, unit, stroke, range, limit } = this.settings;
    const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "11px system-ui" };
    this.plot = new uPlot({
      width: this.width(),
      height: HEIGHT,
      legend: { show: false },
      cursor: { show: false },
      padding: [6, 16, 0, 0],
      scales: { x: { time: true }, y: { range } },
      axes: [
        { ...axis, size: 22, space: 50, values: (_, splits) => minutes(splits) },
        { ...axis, size: 56, space: 30, values: (_, values) => values.map((value) => `${value} ${unit}`) },
      ],
      series: [{}, { label, stroke: colour(stroke), width: 2, fill: `${colour(stroke)}22`, points: { show: (plot) => plot.data[0].length <= SEPARATE, size: 4 } }],
      hooks: limit ? { draw: [(plot) => line(plot, limit)] } : {},
    }, this.data, this.holder);
  }

  show(points) {
    this.data = [points.map((point) => point[0]), points.map((point) => point[1])];
    this.plot.setData(this.data);
  }
}

// What is above (or under) it is worth a second look.
function line(plot, value) {
  const y = plot.valToPos(value, "y", true);
  const { left, width } = plot.bbox;
  plot.ctx.save();
  plot.ctx.strokeStyle = colour("--failed");
  plot.ctx.setLineDash([4, 4]);
  plot.ctx.beginPath();
  plot.ctx.moveTo(left, y);
  plot.ctx.lineTo(left + width, y);
  plot.ctx.stroke();
  plot.ctx.restore();
}

export const latencyChart = (holder, lateMs) => new Chart(holder, {
  label: "Latency", unit: "ms", stroke: "--waiting", limit: lateMs,
  range: (_, low, high) => [0, Math.max(lateMs * 1.25, high * 1.1 || 0)],
});

export const confidenceChart = (holder) => new Chart(holder, {
  label: "Confidence", unit: "%", stroke: "--brand", limit: 60, range: () => [0, 100],
});
