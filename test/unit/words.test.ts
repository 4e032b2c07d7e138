// The language of the repository: no private words, no old sentences, no old names, no reference to a document outside of it.
import { expect, test } from 'vitest';
import { filesOfRepository, type RepositoryFile } from '../support/repository.ts';

const FILES = filesOfRepository();

/** `path:line: line` of each line that the pattern matches. */
const matches = (files: readonly RepositoryFile[], pattern: RegExp): string[] =>
  files.flatMap(({ path, lines }) =>
    lines.flatMap((line, index) =>
      pattern.test(line) ? [`${path}:${index + 1}: ${line.trim().slice(0, 120)}`] : [],
    ),
  );

const WORDS = [
  ...['desk', 'house', 'room', 'door', 'bed', 'hand', 'place', 'mishap', 'stranger', 'scene'].flatMap(
    (word) => [word, `${word}s`],
  ),
  ...['story', 'stories', 'told', 'wish', 'wishes'],
];
const capital = (word: string): string => word[0]!.toUpperCase() + word.slice(1);

/** A word alone, or as a part of camelCase, snake_case or UPPER_CASE. */
const asWord = (word: string): string =>
  [
    `(?<![A-Za-z])${word}(?![a-z])`,
    `(?<![A-Z])${capital(word)}(?![a-z])`,
    `(?<![A-Z])${word.toUpperCase()}(?![A-Z])`,
  ].join('|');

test.each(WORDS)('the word "%s" is nowhere', (word) => {
  expect(matches(FILES, new RegExp(asWord(word)))).toEqual([]);
  expect(FILES.filter(({ path }) => new RegExp(asWord(word)).test(path))).toEqual([]);
});

test('a private word is found in sentences and in identifiers, and not inside another word', () => {
  const found = (text: string): boolean => WORDS.some((word) => new RegExp(`(?:${asWord(word)})`).test(text));
  for (const text of [
    'a place',
    'Place it',
    'freePlace',
    'place_of',
    'NO_ROOM',
    'wishes',
    'theRooms',
    'told.',
  ])
    expect(found(text), text).toBe(true);
  for (const text of ['replace', 'placeholder', 'handler', 'secondhand', 'household', 'bedrock', 'PLACEMENT'])
    expect(found(text), text).toBe(false);
});

/** A piece of each sentence that was replaced, enough to find it again. */
const SENTENCES = [
  'boots this VM into its role',
  'goes through the steps of the boot once',
  'goes on by itself; nothing watches it',
  'look at the CONTEXT again. SIGTERM',
  'forget what was done; keys',
  'shows every step of the boot with its state and time',
  'first wait until the boot is over',
  'everything a person would look at on this VM',
  'shows what this VM was given',
  'tells everything that is wrong with it',
  'nothing to complain about',
  'nothing will change until it does',
  'the command was called wrongly',
  'tells what a problem code means',
  'it is told, nothing else',
  'why it hurts',
  'shows the CA that SuperNodes trust',
  'one that the Fleet API refuses, which proves',
  'what the form is filled in with',
  'are stand-ins here',
  'before the boot was over; the next look',
  'Flower goes on with its earlier settings',
  'the story of the boot',
  'looking at everything again',
  'OneGate has not been told everything',
  'told to look at the CONTEXT',
  'Flower has been away for',
  'OneGate does not know; the boot goes on',
  'it serves, but OneGate does not know yet',
  'not before the rest is published',
  'decide how Flower starts',
  'decide whom to trust',
  'which was waiting for the plan',
  'made or put right',
  'the agent met something it was not written for',
  'what another VM publishes is odd',
  'Something happened that nobody thought of',
  'An error without a name reached',
  "read as a stranger's text",
  'With a new CONTEXT it begins anew',
  'it would try for ever and say little',
  'the agent is gone; its last word',
  'are sent away',
  'not what this VM would say',
  'who listens is not known',
  'it is left out of account',
  'the free place',
  'has characters no token has',
  'the federation falls apart',
  'Flower ended as if all were well',
  'ended to be started afresh',
  'Somebody has to be asked first',
  'The door to time',
  'the work matters more than its story',
  'the disk takes longer over a mark',
  'For the time of a restart nothing serves',
  'The checks tell what is missing',
  'Where the design of the desk was changed',
  "is the real one's twin",
  'stays and keeps it true',
];

test('60 sentences are listed', () => expect(new Set(SENTENCES).size).toBe(60));

test.each(SENTENCES)('the sentence "%s" is nowhere', (sentence) => {
  expect(FILES.filter(({ text }) => text.includes(sentence)).map(({ path }) => path)).toEqual([]);
});

const OLD_NAMES = [
  ...[
    'Bell',
    'EnvironmentWish',
    'Form',
    'Greeting',
    'Knowledge',
    'LinkFollower',
    'LiveLink',
    'Mishap',
    'NotYet',
  ],
  ...[
    'Outcome',
    'PartitionKeeper',
    'Remark',
    'Scene',
    'Setting',
    'Site',
    'SuperLinkLooker',
    'TemplateWishes',
  ],
  ...[
    'Verdict',
    'accepts',
    'announceBooting',
    'bad',
    'becomeAgent',
    'belongs',
    'chainTo',
    'closeGate',
    'dialled',
  ],
  ...[
    'doom',
    'doubt',
    'effect',
    'examineSuperLink',
    'fleetOf',
    'giveBack',
    'giveBackMemory',
    'good',
    'greet',
  ],
  ...[
    'handOver',
    'hold',
    'judgeSuperLinks',
    'keepWatch',
    'known',
    'lacks',
    'lay',

    'look',
    'lookAround',
  ],
  ...[
    'lost',
    'mayHandshake',
    'nearest',
    'openGate',
    'ourselves',
    'place',
    'printable',
    'processLives',
    'quiet',
  ],
  ...[
    'reader',
    'roster',
    'serving',
    'setAside',
    'shape',
    'show',
    'shown',
    'spoken',
    'strangers',
    'tell',
    'tellReady',
  ],
  ...['tellStatus', 'untilSomethingChanged', 'wishes', 'withdraw', 'without'],
];

/** Code without strings and comments. */
const codeOf = (line: string): string =>
  line
    .replaceAll(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`/g, "''")
    .replace(/(\/\/|#\s|\/\*).*|^\s*\*.*/, '');

/** Whether a line of code declares a function, type, variable, parameter, method or property of this name. */
const declares = (line: string, names: string): boolean => {
  const code = codeOf(line);
  return [
    `\\b(?:function|const|let|class|enum|def)\\s+(?:${names})\\b`,
    `\\b(?:interface|type)\\s+(?:${names})(?:<.*>)?\\s*(?:[={]|extends)`,
    `\\b(?:const|let)\\s*[{[][^}\\]=]*\\b(?:${names})\\b`,
    `(?:^|[({,;|])\\s*(?:(?:readonly|async|static|private|override)\\s+)*#?(?:${names})\\??\\s*:`,
    `^\\s+(?:(?:async|static|private|override|get|set)\\s+)*#?(?:${names})(?:<[^>]*>)?\\([^)]*\\)(?:\\s*:[^;]*)?\\s*\\{`,
    `(?:\\(|,\\s*|^\\s*|=\\s)(?:${names})(?:,[^()]*)?\\)?\\s*=>`,
    `\\bdef\\s+\\w+\\([^)]*\\b(?:${names})\\b`,
    `\\bself\\.(?:${names})\\s*=[^=]`,
    `^(?:${names})\\s*=[^=]`,
  ].some((pattern) => new RegExp(pattern).test(code));
};

/** Names with another meaning, and fields of JSON outputs, which keep their names. */
const ELSEWHERE: Readonly<Record<string, RegExp>> = {
  // The agent's state machine has effects.
  effect: /^src\/agent\//,
  // `explain --json`.
  look: /^src\/(core\/catalogue|cli\/explain)\.ts$/,
  // status.json.
  serving: /^src\/(report\/|cli\/status\.ts$)/,
  // The option --show.
  show: /^src\/cli\/context\.ts$/,
  // checkpoint.json.
  roster: /^src\/boot\/checkpoint\.ts$/,
};

test.each(OLD_NAMES)('nothing in src and the launcher is called %s', (name) => {
  const sources = FILES.filter(
    ({ path }) => /^src\/.*\.ts$|^appliance\/lib\//.test(path) && !ELSEWHERE[name]?.test(path),
  );
  const found = sources.flatMap(({ path, lines }) =>
    lines.flatMap((line, index) => (declares(line, name) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
  );
  expect(found).toEqual([]);
});

test('a declaration is found in each of its forms, and a use is not', () => {
  for (const line of [
    'export function old(a: string): void {',
    'const old = 1;',
    'const { a, old } = b;',
    'function f(a: string, old: number) {',
    '  readonly old?: string;',
    '  async old(a: string): Promise<void> {',
    'const f = (old) => 1;',
    'export interface old {',
    'def old(self):',
    'def f(self, old):',
    '        self.old = None',
  ])
    expect(declares(line, 'old'), line).toBe(true);
  for (const line of [
    'return old(a);',
    "const a = 'old: b';",
    '// old: b',
    'a.old = 1;',
    'if (old === 1) {',
    'x = old',
    'import { a, type old } from b;',
  ])
    expect(declares(line, 'old'), line).toBe(false);
});
