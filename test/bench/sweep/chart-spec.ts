/**
 * One chart in Vega's terms: a line for each system over the length of messages, both axes
 * logarithmic.
 *
 * It stands on a light ground of its own, so that it reads the same on a dark page. Lines of ours
 * are thick; every line has a colour and, where colours come round again, another dash.
 */
import type { Spec } from 'vega';

export interface Point {
  readonly series: string;
  readonly bytes: number;
  readonly value: number;
}

export interface Chart {
  readonly title: string;
  /** Unit and quantity of the upright axis. */
  readonly valueTitle: string;
  /** The machine, below the chart. */
  readonly caption: string;
  readonly points: readonly Point[];
}

const ground = '#ffffff';
const ink = '#24292f';
const paleInk = '#57606a';
const gridInk = '#d8dee4';
/** Of Okabe and Ito, told apart by colour-blind readers too; without the yellow, too pale here. */
const colours = ['#d55e00', '#0072b2', '#009e73', '#cc79a7', '#56b4e9', '#e69f00', '#333333'];
const solid: readonly number[] = [1, 0];
const dashed: readonly number[] = [6, 3];
const font = 'system-ui, sans-serif';

export function chartSpec(chart: Chart): Spec {
  const names = seriesNames(chart.points);
  return {
    width: 620,
    height: 380,
    padding: 16,
    background: ground,
    title: { ...titleLook, text: chart.title },
    data: [{ name: 'points', values: [...chart.points].sort(byLength) }],
    scales: [...axisScales(chart.points), ...seriesScales(names)],
    axes: [bottomAxis(bytesOf(chart.points)), leftAxis(chart.valueTitle, chart.points)],
    legends: [{ ...legendLook, stroke: 'colour', strokeDash: 'dash', strokeWidth: 'width' }],
    marks: [linesMark, captionMark(chart.caption)],
  };
}

function byLength(a: Point, b: Point): number {
  return a.bytes - b.bytes;
}

/** Ours first; the others as they come. */
function seriesNames(points: readonly Point[]): string[] {
  const names = [...new Set(points.map(({ series }) => series))];
  return [...names.filter(isOurs), ...names.filter((name) => !isOurs(name))];
}

function isOurs(name: string): boolean {
  return name.startsWith('IDC ');
}

function bytesOf(points: readonly Point[]): number[] {
  return [...new Set(points.map(({ bytes }) => bytes))].sort((a, b) => a - b);
}

/** The exponents of ten around all values, also where they are all alike. */
function decadesOf(points: readonly Point[]): { low: number; high: number } {
  const exponents = points.map(({ value }) => Math.log10(value));
  const low = Math.floor(Math.min(...exponents));
  return { low, high: Math.max(low + 1, Math.ceil(Math.max(...exponents))) };
}

function axisScales(points: readonly Point[]): NonNullable<Spec['scales']> {
  const { low, high } = decadesOf(points);
  const lengths = bytesOf(points);
  const [first = 1] = lengths;
  const last = Math.max(lengths.at(-1) ?? 1, 2 * first);
  return [
    { name: 'x', type: 'log', base: 2, domain: [first, last], range: 'width' },
    { name: 'y', type: 'log', base: 10, domain: [10 ** low, 10 ** high], range: 'height' },
  ];
}

function seriesScales(names: readonly string[]): NonNullable<Spec['scales']> {
  const domain = [...names];
  const colour = domain.map((_, index) => colours[index % colours.length] ?? ink);
  const dash = domain.map((_, index) => [...(index < colours.length ? solid : dashed)]);
  const width = domain.map((name) => (isOurs(name) ? 3.5 : 1.6));
  return [
    { name: 'colour', type: 'ordinal', domain, range: colour },
    { name: 'dash', type: 'ordinal', domain, range: dash },
    { name: 'width', type: 'ordinal', domain, range: width },
  ];
}

const titleLook = {
  anchor: 'start',
  offset: 14,
  color: ink,
  font,
  fontSize: 15,
} as const;

const axisLook = {
  grid: true,
  gridColor: gridInk,
  domainColor: paleInk,
  tickColor: paleInk,
  labelColor: ink,
  labelFont: font,
  labelFontSize: 12,
  titleColor: ink,
  titleFont: font,
  titleFontSize: 13,
  titlePadding: 10,
} as const;

const legendLook = {
  orient: 'right',
  offset: 18,
  symbolType: 'stroke',
  symbolSize: 400,
  labelColor: ink,
  labelFont: font,
  labelFontSize: 12,
  rowPadding: 5,
} as const;

/** Ticks at the powers of ten, and between them where there are few. */
function leftAxis(title: string, points: readonly Point[]): NonNullable<Spec['axes']>[number] {
  const { low, high } = decadesOf(points);
  const steps = high - low <= 2 ? [1, 2, 5] : [1];
  const values: number[] = [];
  for (let exponent = low; exponent < high; exponent += 1) {
    values.push(...steps.map((step) => Number(`${step}e${exponent}`)));
  }
  values.push(Number(`1e${high}`));
  // Below 1 the prefixes would read as another unit's.
  const text = "datum.value < 1 ? format(datum.value, '.1~r') : format(datum.value, '~s')";
  return {
    ...axisLook,
    orient: 'left',
    scale: 'y',
    title,
    values,
    encode: { labels: { update: { text: { signal: text } } } },
  };
}

/** Ticks at the lengths that were measured, as programmers write them. */
function bottomAxis(values: number[]): NonNullable<Spec['axes']>[number] {
  const text =
    "datum.value < 1024 ? format(datum.value, 'd') + ' B'" +
    " : datum.value < 1048576 ? format(datum.value / 1024, 'd') + ' KiB'" +
    " : format(datum.value / 1048576, 'd') + ' MiB'";
  return {
    ...axisLook,
    orient: 'bottom',
    scale: 'x',
    title: 'bytes in each message',
    values,
    encode: { labels: { update: { text: { signal: text } } } },
  };
}

const linesMark: NonNullable<Spec['marks']>[number] = {
  type: 'group',
  from: { facet: { name: 'line', data: 'points', groupby: 'series' } },
  marks: [
    {
      type: 'line',
      from: { data: 'line' },
      encode: {
        update: {
          x: { scale: 'x', field: 'bytes' },
          y: { scale: 'y', field: 'value' },
          stroke: { scale: 'colour', field: 'series' },
          strokeDash: { scale: 'dash', field: 'series' },
          strokeWidth: { scale: 'width', field: 'series' },
        },
      },
    },
    {
      type: 'symbol',
      from: { data: 'line' },
      encode: {
        update: {
          x: { scale: 'x', field: 'bytes' },
          y: { scale: 'y', field: 'value' },
          fill: { scale: 'colour', field: 'series' },
          size: { value: 28 },
        },
      },
    },
  ],
};

function captionMark(caption: string): NonNullable<Spec['marks']>[number] {
  return {
    type: 'text',
    encode: {
      update: {
        x: { value: 0 },
        y: { signal: 'height + 62' },
        text: { value: caption },
        fill: { value: paleInk },
        font: { value: font },
        fontSize: { value: 11 },
      },
    },
  };
}
