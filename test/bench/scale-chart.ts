// The chart of the scale benchmark, written as SVG text: two simple pictures need no library.
import { ONED_CALLS_PER_SECOND } from './scale-limits.ts';
import type { OutageRow, TogetherRow } from './scale-scenario.ts';

interface Series {
  readonly name: string;
  readonly colour: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly dashed?: boolean;
}

const WIDTH = 380;
const HEIGHT = 270;
const LEFT = 52;
const TOP = 44;
const RIGHT = 14;
const BOTTOM = 38;

/** 1, 2 or 5 times a power of ten, at least the value. */
function roundedUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * [1, 2, 5, 10].find((step) => value <= step * power)!;
}

/** Both axes count in powers of ten. */
function picture(title: string, unit: string, series: readonly Series[], offset: number): string {
  const drawn = series.map((one) => ({ ...one, points: one.points.filter(([, y]) => y > 0) }));
  const all = drawn.flatMap(({ points }) => points);
  const scale = (axis: 0 | 1, from: number, to: number) => {
    const values = all.map((point) => point[axis]);
    const [low, high] = [
      Math.floor(Math.log10(Math.min(...values))),
      Math.log10(roundedUp(Math.max(...values))),
    ];
    const at = (value: number): number => from + ((Math.log10(value) - low) / (high - low)) * (to - from);
    const ticks = Array.from({ length: Math.floor(high) - low + 1 }, (_, step) => 10 ** (low + step));
    return { at, ticks };
  };
  const x = scale(0, LEFT, WIDTH - RIGHT);
  const y = scale(1, HEIGHT - BOTTOM, TOP);
  const spot = ([px, py]: readonly [number, number]): string =>
    `${x.at(px).toFixed(1)},${y.at(py).toFixed(1)}`;
  const text = (tx: number, ty: number, words: string, anchor = 'middle', colour = '#445'): string =>
    `<text x="${tx.toFixed(1)}" y="${ty.toFixed(1)}" text-anchor="${anchor}" fill="${colour}">${words}</text>`;
  const grid = [
    ...x.ticks.map(
      (tick) =>
        `<path class="grid" d="M${x.at(tick).toFixed(1)} ${TOP}V${HEIGHT - BOTTOM}"/>${text(x.at(tick), HEIGHT - BOTTOM + 14, tick.toLocaleString('en'))}`,
    ),
    ...y.ticks.map(
      (tick) =>
        `<path class="grid" d="M${LEFT} ${y.at(tick).toFixed(1)}H${WIDTH - RIGHT}"/>${text(LEFT - 6, y.at(tick) + 4, String(tick), 'end')}`,
    ),
  ];
  const curves = drawn.map(
    ({ name, colour, points, dashed }, number) =>
      `<polyline points="${points.map(spot).join(' ')}" fill="none" stroke="${colour}" stroke-width="2"${dashed ? ' stroke-dasharray="5 4"' : ''}/>${
        dashed
          ? ''
          : points
              .map((point) => `<circle cx="${spot(point).replace(',', '" cy="')}" r="3" fill="${colour}"/>`)
              .join('')
      }${text(WIDTH - RIGHT - 8, HEIGHT - BOTTOM - 8 - 15 * (drawn.length - 1 - number), name, 'end', colour)}`,
  );
  return `<g transform="translate(${offset} 0)">
${text((LEFT + WIDTH - RIGHT) / 2, 16, title, 'middle', '#223')}
${text(LEFT, TOP - 7, unit, 'start')}
${grid.join('\n')}
${curves.join('\n')}
${text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, 'SuperNodes')}
</g>`;
}

export function chart(boots: readonly TogetherRow[], settled: readonly OutageRow[]): string {
  const largest = settled.filter(({ nodes }) => nodes >= 10);
  const pictures = [
    boots.length === 0
      ? ''
      : picture(
          'All boot at once',
          'seconds',
          [
            {
              name: 'last published',
              colour: '#2b62c0',
              points: boots.map((row) => [row.nodes, row.published]),
            },
            { name: 'half published', colour: '#58a067', points: boots.map((row) => [row.nodes, row.half]) },
            {
              name: 'what their requests cost oned',
              colour: '#667',
              dashed: true,
              points: boots.map((row) => [row.nodes, row.calls / ONED_CALLS_PER_SECOND]),
            },
          ],
          0,
        ),
    largest.length === 0
      ? ''
      : picture(
          'OneGate away for 5 minutes, then back',
          'requests a second, over 10 s',
          [
            { name: 'peak after', colour: '#c0552b', points: largest.map((row) => [row.nodes, row.peak]) },
            {
              name: 'steady before',
              colour: '#2b62c0',
              points: largest.map((row) => [row.nodes, row.steady]),
            },
            {
              name: 'twice the steady rate',
              colour: '#667',
              dashed: true,
              points: largest.map((row) => [row.nodes, 2 * row.steady]),
            },
          ],
          WIDTH + 20,
        ),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${2 * WIDTH + 30} ${HEIGHT}" font-family="sans-serif" font-size="11.5">
<style>.grid{stroke:#dde1ec;fill:none}</style>
<rect width="${2 * WIDTH + 30}" height="${HEIGHT}" fill="#fff"/>
${pictures.join('\n')}
</svg>
`;
}
