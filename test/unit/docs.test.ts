// Checks the pages against the code: every command, template, link, reference, variable and code in them.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SEQUENCES } from '../../src/boot/sequence.ts';
import { parse } from '../../src/cli/command.ts';
import { COMMANDS } from '../../src/cli/index.ts';
import { suspicionOf } from '../../src/cluster/partition-memory.ts';
import { downloadOf, FRAMEWORKS, formatSize, neededSpace } from '../../src/config/frameworks.ts';
import { APPS } from '../../src/config/release.ts';
import { isVariableName, namesOf, plainName, rowOf } from '../../src/config/table.ts';
import { CATALOGUE, FORGET_CHANGES } from '../../src/core/catalogue.ts';
import { realMachine } from '../../src/host/machine.ts';
import { PUBLISHED } from '../../src/onegate/replies.ts';
import { CODES } from '../../src/templates/lint/codes.ts';
import { lint } from '../../src/templates/lint/lint.ts';
import { DEFAULT_OPTIONS, formatTemplate } from '../../src/templates/oneflow.ts';
import { checkSettings } from '../../src/templates/template-settings.ts';
import { TOPOLOGIES, type Topology } from '../../src/templates/topology.ts';
import { filesOfRepository } from '../support/repository.ts';

const root = resolve(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  'RELEASING.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
  'docs/reference/variables.md',
  'docs/reference/lint.md',
];

/** Fenced blocks of a language. */
const blocks = (text: string, language: string): string[] =>
  [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)]
    .filter(([, found]) => found === language)
    .map(([, , body]) => body!);

/** The words of each command of a script: quotes, $(...), comments, redirections and pipes as the pages use them. */
function commandsIn(script: string): string[][] {
  const commands: string[][] = [[]];
  const token =
    /\\\n|#.*|\n|\|\||&&|[|;]|\d?>>?\s*\S+|<\(?\S+|((?:'[^']*'|"(?:\$\([^)]*\)|[^"])*"|\$\([^)]*\)|[^\s'"|;#<>])+)/g;
  for (const [whole, word] of script.matchAll(token)) {
    if (word !== undefined)
      commands.at(-1)!.push(word.replaceAll(/'([^']*)'|"([^"]*)"/g, (_, single, double) => single ?? double));
    else if (/^(\n|\|\||&&|[|;])$/.test(whole)) commands.push([]);
  }
  return commands
    .map((words) => words.slice(words.findIndex((word) => !/^(npx|sudo|\$)$/.test(word))))
    .filter((words) => words.length > 0);
}

interface Call {
  readonly words: string[];
  /** Mentioned in a sentence, so it may be without arguments. */
  readonly mention: boolean;
}

function agentCommands(text: string): Call[] {
  const inline = [
    ...text.replaceAll(/^```[\s\S]*?^```$/gm, '').matchAll(/`((?:npx )?flower-context [^`]+)`/g),
  ];
  const found = [
    ...blocks(text, 'sh').map((script) => ({ script, mention: false })),
    ...inline.map(([, script]) => ({ script: script!, mention: !/flower-context \S+ \S/.test(script!) })),
  ];
  return found
    .flatMap(({ script, mention }) => commandsIn(script).map((words) => ({ words, mention })))
    .filter(({ words }) => words[0] === 'flower-context');
}

describe.each(PAGES)('%s', (page) => {
  const text = read(page);

  test('contains only valid commands of the agent', () => {
    for (const { words, mention } of agentCommands(text)) {
      const [, name, ...args] = words;
      if (name === '--help' || name === 'COMMAND') continue;
      const command = COMMANDS.find((one) => one.name === name);
      expect(command, `flower-context ${name}`).toBeDefined();
      if (!mention)
        expect(
          () => parse(command!, args, realMachine),
          `flower-context ${name} ${args.join(' ')}`,
        ).not.toThrow();
    }
  });

  test('prints only templates that the agent and lint accept', () => {
    for (const { words } of agentCommands(text)) {
      const [, name, topology, ...rest] = words;
      if (name !== 'template' || !(topology! in TOPOLOGIES)) continue;
      const invocation = parse(
        COMMANDS.find((one) => one.name === 'template')!,
        [topology!, ...rest],
        realMachine,
      );
      const format = invocation.value('one') === '7' ? 7 : 6;
      const all = invocation.flag('all-inputs');
      const settings = invocation
        .values('set')
        .map((one) => one.split(/=(.*)/s).slice(0, 2) as [string, string]);
      const known = settings.filter(([, value]) => !value.includes('$('));
      const { problems, values } = checkSettings(known, { topology: topology as Topology, format, all });
      expect(problems).toEqual([]);
      const [low, high] = (invocation.value('supernodes') ?? '').split('..').map(Number);
      const { supernodes } = TOPOLOGIES[topology as Topology];
      const count = low
        ? { cardinality: low, min: low, max: high ?? Math.max(low, supernodes.max) }
        : supernodes;
      const template = formatTemplate({
        ...DEFAULT_OPTIONS,
        topology: topology as Topology,
        format,
        all,
        values,
        supernodes: count,
      });
      expect(lint(template, topology as Topology).findings.map(({ found }) => found)).toEqual([]);
    }
  });

  test('contains only valid JSON, and templates without findings', () => {
    for (const block of blocks(text, 'json')) {
      const value = JSON.parse(block) as { roles?: unknown };
      if (value.roles !== undefined) expect(lint(block).findings).toEqual([]);
    }
  });

  test('names only targets of the Makefile', () => {
    const makefile = read('Makefile');
    const targets = [...text.matchAll(/\bmake ([a-z][a-z0-9-]*)/g)].map(([, target]) => target!);
    const inCode = targets.filter(
      (target) =>
        text.includes(`\`make ${target}`) ||
        blocks(text, 'sh').some((block) => block.includes(`make ${target}`)),
    );
    expect(inCode.filter((target) => !new RegExp(`^${target}:`, 'm').test(makefile))).toEqual([]);
  });

  test('links only to existing files', () => {
    const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, link]) => link!)
      .filter((link) => !/^(https?:|#)/.test(link));
    expect(links.filter((link) => !existsSync(join(root, dirname(page), link.split('#')[0]!)))).toEqual([]);
  });

  test('names only files and folders that exist', () => {
    const paths = [...text.matchAll(/`((?:src|test|appliance|scripts|docs|examples|systemd)\/[\w./-]*)`/g)]
      .map(([, path]) => path!)
      .filter((path) => !path.includes('NAME'));
    expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  test('names only variables and attributes that exist', () => {
    const names = new Set(
      [...text.matchAll(/\b(?:FL|FLOWER|ML)_[A-Z][A-Z0-9_]*[A-Z0-9]\b/g)].map(([name]) => name),
    );
    const published: readonly string[] = PUBLISHED;
    // FLOWER_CONTEXT_* is the environment of the agent itself.
    const unknown = [...names].filter(
      (name) =>
        !isVariableName(plainName(name)) && !published.includes(name) && !name.startsWith('FLOWER_CONTEXT_'),
    );
    expect(unknown).toEqual([]);
  });
});

describe.each(['docs/operate.md', 'docs/multi-site.md'])('%s', (page) => {
  test('names only problem and lint codes that exist', () => {
    const codes = [...read(page).matchAll(/`([a-z]+(?:_[a-z]+)+)`/g)].map(([, code]) => code!);
    expect(codes.filter((code) => !(code in CATALOGUE) && !(code in CODES))).toEqual([]);
    expect(codes.length).toBeGreaterThan(2);
  });
});

/** Headings of a page as GitHub makes anchors of them. */
const anchorsOf = (text: string): string[] =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
    title!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

describe('references', () => {
  const files = filesOfRepository();

  test('each link with an anchor leads to a heading', () => {
    const broken = PAGES.flatMap((page) =>
      [...read(page).matchAll(/\]\(([^)\s#]*)#([^)\s]+)\)/g)]
        .filter(([, file]) => !/^https?:/.test(file!))
        .filter(
          ([, file, anchor]) =>
            !anchorsOf(read(file === '' ? page : join(dirname(page), file!))).includes(anchor!),
        )
        .map(([link]) => `${page}: ${link}`),
    );
    expect(broken).toEqual([]);
  });

  test('each `docs/PAGE.md, "HEADING"` in any file names a heading', () => {
    const broken = files.flatMap(({ path, text }) =>
      [...text.matchAll(/\b(docs\/(?:reference\/)?[a-z-]+\.md)(?:`?,? "([^"]+)")?/g)]
        .filter(([, page, heading]) => {
          if (!existsSync(join(root, page!))) return true;
          const headings = [...read(page!).matchAll(/^#+ (.+)$/gm)].map(([, title]) => title!);
          return heading !== undefined && heading !== 'HEADING' && !headings.includes(heading);
        })
        .map(([mention]) => `${path}: ${mention}`),
    );
    expect(broken).toEqual([]);
  });

  test('no file refers to a document outside the repository', () => {
    const outside =
      /\bfacts\/[\w-]+\.md|(?<![\w/.-])(?:variables|flower|flower-http|opennebula|oneflow|one-context|design|node|life|zones|cases|attacks|code-review|style)\.md\b|\bdecision \d|\(facts: [\w-]+ |variables\.md,/;
    const found = files.flatMap(({ path, lines }) =>
      lines.flatMap((line, index) =>
        path !== 'test/unit/docs.test.ts' &&
        outside.test(line.replaceAll(/\[[^\]]*\]\([^)]*\)|reference\/variables\.md/g, ''))
          ? [`${path}:${index + 1}: ${line.trim()}`]
          : [],
      ),
    );
    expect(found).toEqual([]);
  });
});

test('docs/operate.md explains the line of every step of both boots', () => {
  const page = read('docs/operate.md');
  const titles = [...SEQUENCES.superlink, ...SEQUENCES.supernode].map(({ title }) => title);
  expect(titles.filter((title) => !new RegExp(`^\\| \`${title}\` +\\|`, 'm').test(page))).toEqual([]);
});

test('docs/operate.md has the disk space and the download of each framework', () => {
  const page = read('docs/operate.md');
  for (const framework of FRAMEWORKS.filter((one) => one !== 'none'))
    expect(page).toMatch(
      new RegExp(
        `^\\| ${framework}.* \\| ${formatSize(downloadOf(framework))} \\| ${formatSize(neededSpace(framework))} \\|$`,
        'm',
      ),
    );
});

test('the named apps are the folders of examples', () => {
  expect([...APPS]).toEqual(readdirSync(join(root, 'examples')).sort());
});

test('the example app declares every setting that the agent passes', () => {
  const declared = read('examples/quickstart/pyproject.toml').split('[tool.flwr.app.config]')[1]!;
  const keys = namesOf('superlink').flatMap((name) => rowOf(name).runConfig ?? []);
  expect(keys.filter((key) => !new RegExp(`^${key} = `, 'm').test(declared))).toEqual([]);
});

test('commands are found in scripts by the rules of a shell', () => {
  expect(commandsIn('a "b c" | flower-context d \\\n  --e=\'f g\' > h.json # i\nk "$(cat l)"')).toEqual([
    ['a', 'b c'],
    ['flower-context', 'd', '--e=f g'],
    ['k', '$(cat l)'],
  ]);
});

test.each(['docs/operate.md', 'docs/security.md'])(
  '%s says how a SuperNode forgets changed attributes',
  (page) => {
    expect(read(page).replaceAll(/\s+/g, ' ')).toContain(FORGET_CHANGES);
    expect(CATALOGUE.peer_suspicious.remedy).toContain(FORGET_CHANGES);
    expect(suspicionOf({ suspicion: 'x' })?.facts.remedy).toContain(FORGET_CHANGES);
  },
);
