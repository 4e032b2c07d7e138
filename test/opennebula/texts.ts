// Correct and wrong texts in OpenNebula's template language, for the parser of oned and the one of the agent. Each ends with a line break, as files do.

const WRITTEN = [
  'A="1"',
  'a = 1',
  'A=',
  'A=""',
  'A="1" B=[C="2"] D=3',
  'A="say \\"yes\\""',
  'A="two\nlines"',
  'A=[]',
  'A=[ B="1", ]',
  'A=[ B="1" C="2" ]',
  'A=[ B=, C="2" ]',
  'A=[ B="1",\n # D="2",\n C="3" ]',
  'A=[ B="1", # ] a bracket\n C="3" ]',
  '# A="1"\nB="2"',
  'A="1" # B="2"\nC="3"',
  'A="#1"',
  'A=x#y',
  'CONTEXT=[ A="1" ]\nCONTEXT=[ A="2", B="3" ]',
  'CONTEXT=[ A="1", A="2" ]',
  'A="1"\nA="2"',
  'A="$B, $C[D]"',
  'A="]]>"',
  'A-B="1"',
  'A B="1"',
  'A="1',
  'A=[B=[C="1"]]',
];

const PIECES = [
  ...[
    'A="1"\n',
    'B=[C="1",D="2"]',
    'CONTEXT=[\n  A="1",\n  B="2" ]\n',
    'E=[\n F=x\n,G = "y" ]',
    'H=bare ',
    'A = ""\n',
    '# c\n',
    '\n',
  ],
  ...[
    'A',
    'b1',
    '=',
    ' = ',
    '=\n',
    '[',
    ']',
    ' ]',
    ',',
    ',\n',
    ' ',
    '\t',
    '#',
    '"v"',
    '"a\\"b"',
    '"x\ny"',
    '"',
    '\\',
    '"a\\\\"',
  ],
  ...['a.b', '$V', '"$V"', '-', "'q'", ']]>', 'é', '"a,b"', '"[1]"', ';', '\f'],
];
/** Pieces that are right by themselves: most of the texts are made of these. */
const RIGHT = 8;

function* mixed(count: number): Generator<string> {
  let state = 20;
  const below = (limit: number): number => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return Math.floor((state / 2147483648) * limit);
  };
  for (let made = 0; made < count; made++) {
    const length = 1 + below(8);
    yield Array.from({ length }, () => PIECES[below(below(4) === 0 ? PIECES.length : RIGHT)]!).join('');
  }
}

export const TEXTS: readonly string[] = [...WRITTEN, ...mixed(300)].map((text) => `${text}\n`);
