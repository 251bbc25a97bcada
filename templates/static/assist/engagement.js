// The charts of the engagement page, each drawn from the table beside it: a column is an agent.

import uPlot from "../vendor/uplot/uPlot.esm.js";
import { nameZone, showTimes } from "../console/times.js";

const HEIGHT = 180;
const DASHES = [[], [8, 4], [2, 3]]; // beside the colours, for those who cannot tell them apart
const STEPS = [1, 2, 7, 14, 28];
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const dayFormat = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", timeZone: "UTC" });

function read(table) {
  const rows = [...table.tBodies[0].rows];
  const names = [...table.tHead.rows[0].cells].slice(1).map((cell) => cell.textContent);
  const days = rows.map((row) => row.cells[0].textContent);
  const columns = names.map((_, place) => rows.map((row) => {
    const { value } = row.cells[place + 1].dataset;
    return value === undefined ? null : Number(value);
  }));
  return { names, days, columns };
}

class DayChart {
  constructor(figure) {
    this.holder = figure.querySelector(".chart");
    this.table = read(figure.querySelector("table"));
    this.draw();
    new ResizeObserver(() => this.plot.setSize({ width: this.width(), height: HEIGHT })).observe(this.holder);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.plot.destroy();
      this.draw();
    });
  }

  width() {
    return Math.max(160, this.holder.clientWidth);
  }

  draw() {
    const { names, days, columns } = this.table;
    const { unit } = this.holder.dataset;
    const axis = { stroke: colour("--muted"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "11px system-ui" };
    const label = (place) => (Number.isInteger(place) && days[place] ? dayFormat.format(new Date(`${days[place]}T00:00:00Z`)) : "");
    this.plot = new uPlot({
      width: this.width(),
      height: HEIGHT,
      legend: { show: false },
      cursor: { show: false },
      padding: [8, 20, 0, 0],
      scales: { x: { time: false, range: [-0.3, days.length - 0.7] }, y: { range: (_, low, high) => [0, (high || 1) * 1.15] } },
      axes: [
        { ...axis, size: 24, space: 56, incrs: STEPS, values: (_, places) => places.map(label) },
        { ...axis, size: 64, space: 34, values: (_, values) => values.map((value) => `${value} ${unit}`) },
      ],
      series: [{}, ...names.map((name, place) => ({
        label: name,
        stroke: colour(`--series-${place + 1}`),
        width: 2,
        dash: DASHES[place % DASHES.length],
        spanGaps: true,
        points: { show: true, size: 5, fill: colour(`--series-${place + 1}`) },
      }))],
    }, [days.map((_, place) => place), ...columns], this.holder);
  }
}

nameZone();
showTimes(document);
setInterval(() => showTimes(document), 30_000);
for (const figure of document.querySelectorAll(".charts .measure")) {
  new DayChart(figure);
  figure.querySelector("details").open = false; // shown where there are no charts
}
