// The generated templates in OpenNebula's own code: each is created, started in every way, and each input reaches the CONTEXT of the VMs of its role.
// The answers are recorded (test/opennebula/answers.json); a changed template needs new answers.
import { describe, expect, test } from 'vitest';
import { isVariableName, rowOf } from '../../../src/config/table.ts';
import { defaults, type Names, otherValues, readBody, readInput } from '../../opennebula/body.ts';
import { type Outcome, readAnswers } from '../../opennebula/data.ts';
import { fingerprint, JUDGED, type Judged } from '../../opennebula/inputs.ts';
import { VERSIONS } from '../../opennebula/sources.ts';

const { answers, contexts } = readAnswers();

interface Known {
  readonly name?: RegExp;
  readonly version?: RegExp;
  readonly way?: RegExp;
  readonly says: RegExp;
  readonly why: string;
}

/** Refusals that cannot be avoided, with the reason. A line without such a refusal fails the test. */
const KNOWN: readonly Known[] = [
  {
    name: /--one 7/,
    version: /^6\./,
    says: /'vm_template' is required/,
    why: 'the format of 7 only, which 6 does not know',
  },
  {
    name: /--one 7/,
    way: /^Sunstone/,
    says: /Verify that every User Input/,
    why: 'the format of 7 has inputs at the roles, which Sunstone does not show',
  },
  {
    version: /^6\.8/,
    way: /^Sunstone/,
    says: /Verify that every custom attribute/,
    why: 'FireEdge of 6.8 sends the names of inputs in lower case, and then OneFlow misses them, in every service',
  },
  {
    name: /training-site/,
    way: /^(classic )?Sunstone$/,
    says: /required/,
    why: 'the address of the SuperLink has no default: the page requires a value',
  },
];

const generated = JUDGED.filter((judged) => judged.generated);
const known = new Set<Known>();

/** True when this refusal is in KNOWN. */
function isKnown(name: string, version: string, way: string, says: string): boolean {
  const line = KNOWN.find(
    (one) =>
      (one.name?.test(name) ?? true) &&
      (one.version?.test(version) ?? true) &&
      (one.way?.test(way) ?? true) &&
      one.says.test(says),
  );
  if (line !== undefined) known.add(line);
  return line !== undefined;
}

test.each(JUDGED.map((judged) => [judged.name, judged] as const))(
  '%s: the answers are of this text',
  (name, judged) => {
    expect(
      answers[name]?.sha256,
      'the template or its VM templates have changed: run `make opennebula-answers`',
    ).toBe(fingerprint(judged));
  },
);

test('no answer is left of a template that is gone', () => {
  expect(Object.keys(answers).sort()).toEqual(JUDGED.map(({ name }) => name).sort());
});

describe.each(generated.map((judged) => [judged.name, judged] as const))('%s', (name, judged) => {
  test.each(VERSIONS.map((version) => version.name))(
    'OpenNebula %s creates it, starts it and delivers every input',
    (version) => {
      const answer = answers[name]?.versions[version];
      if (answer?.refused !== undefined) {
        expect(isKnown(name, version, 'create', answer.refused), answer.refused).toBe(true);
        return;
      }
      const complaints = Object.entries(answer?.ways ?? {}).flatMap(([way, outcome]) =>
        complaintsOf(judged, version, way, outcome).map((complaint) => `${way}: ${complaint}`),
      );
      expect(complaints).toEqual([]);
    },
  );
});

test('every known refusal still exists', () => {
  expect(KNOWN.filter((line) => !known.has(line)).map(({ why }) => why)).toEqual([]);
});

function complaintsOf(judged: Judged, version: string, way: string, outcome: Outcome): string[] {
  if ('refused' in outcome)
    return isKnown(judged.name, version, way, outcome.refused) ? [] : [`refused: ${outcome.refused}`];
  if ('failed' in outcome) return [`fails: ${outcome.failed}`];
  const { inputs, roles } = readBody(JSON.parse(judged.text));
  return roles.flatMap((role) => {
    const index = outcome.roles[role.name];
    if (index === undefined) return [`${role.name} has no VM`];
    const context = contexts[index]!;
    const asked: Names = { ...inputs, ...role.inputs };
    const typed = way.endsWith('other values');
    // Sunstone shows no inputs of roles, so people enter no values there.
    const wanted = {
      ...Object.fromEntries(judged.values),
      ...(typed ? otherValues(asked) : defaults(asked)),
    };
    return Object.entries(wanted)
      .filter(
        ([variable]) => isVariableName(variable) && rowOf(variable).roles.some((own) => own === role.name),
      )
      .filter(([variable, value]) => !arrives(asked[variable], variable, value, context[variable], way))
      .map(
        ([variable, value]) =>
          `${role.name} gets ${variable}=${JSON.stringify(context[variable])}, not ${JSON.stringify(value)}`,
      );
  });
}

function arrives(
  input: string | undefined,
  name: string,
  wanted: string,
  found: string | undefined,
  way: string,
): boolean {
  if (found === undefined) return false;
  if (found === wanted) return true;
  const type = input === undefined ? 'text' : readInput(input).type;
  // FireEdge parses numbers and writes them again: 1.0 becomes 1.
  if (type.startsWith('number')) return wanted !== '' && found !== '' && Number(found) === Number(wanted);
  if (!way.startsWith('classic Sunstone')) return false;
  // The classic Sunstone encodes the value of a text64 field once more.
  if (type === 'text64' && found === btoa(wanted)) return true;
  // Its preset for an input of the VM template is the line of the role, $NAME; it sends that when the user enters nothing.
  return wanted === '' && (found === `$${name}` || found === btoa(`$${name}`));
}
