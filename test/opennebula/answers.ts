// Runs OpenNebula's own code, version by version, and writes answers.json (`make opennebula-answers`). sources.ts fetches that code.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaults, type Names, otherValues, readBody } from './body.ts';
import { ANSWERS, type Answers, type Attribute, type OfVersion, type Outcome } from './data.ts';
import { type FireEdge, fireEdge, type Sent } from './fireedge.ts';
import { fingerprint, JUDGED, type Judged } from './inputs.ts';
import { type Source, source, VERSIONS } from './sources.ts';
import { classicSunstone } from './sunstone.ts';
import { TEXTS } from './texts.ts';

const COMMAND_LINE = 'command line';
type Asked = Readonly<Record<string, unknown>>;

interface DriverAnswer {
  readonly created?: string;
  readonly body?: Asked;
  readonly ways?: Readonly<
    Record<
      string,
      {
        readonly refused?: string;
        readonly failed?: string;
        readonly roles?: Readonly<Record<string, Names>>;
      }
    >
  >;
}

const folder = mkdtempSync(join(tmpdir(), 'opennebula-'));
process.on('exit', () => rmSync(folder, { recursive: true }));

const contexts = new Map<string, number>();
const indexOf = (context: Names): number => {
  const key = JSON.stringify(
    Object.fromEntries(Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1))),
  );
  if (!contexts.has(key)) contexts.set(key, contexts.size);
  return contexts.get(key)!;
};

function drive(
  { folder: code, oned }: Source,
  cases: Readonly<Record<string, object>>,
): Readonly<Record<string, DriverAnswer>> {
  const out = execFileSync('ruby', [join(import.meta.dirname, 'driver.rb'), code, oned], {
    input: JSON.stringify(cases),
    maxBuffer: 2 ** 30,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  return JSON.parse(out.toString()) as Record<string, DriverAnswer>;
}

/** The files of the VM templates, by the id that the role has. */
function vmTemplates(
  { name, vmTemplates: texts }: Judged,
  body: ReturnType<typeof readBody>,
): Readonly<Record<number, string>> {
  const files: Record<number, string> = {};
  for (const { name: role, template } of body.roles) {
    if (template === undefined) continue;
    const kind = kindOf(role);
    const path = join(folder, `${name.replaceAll(/\W/g, '_')}-${kind}.txt`);
    writeFileSync(path, texts[kind]);
    files[template] = path;
  }
  return files;
}

const kindOf = (role: string): 'superlink' | 'supernode' =>
  /node|client|worker/i.test(role) ? 'supernode' : 'superlink';

function userInputs(text: string): Names {
  const block = /USER_INPUTS=\[(.*?)"\s*\]/s.exec(text)?.[1] ?? '';
  return Object.fromEntries(
    [...`${block}"`.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name, value]) => [name!, value!]),
  );
}

/** `oneflow-template instantiate ID FILE`, Terraform, the REST API: a value for every input. */
function program(body: Asked, valuesOf: (inputs: Names) => Names): Record<string, unknown> {
  const { inputs, roles } = readBody(body);
  const member =
    'user_inputs' in body || (body.roles as readonly Asked[]).some((role) => 'user_inputs' in role)
      ? 'user_inputs_values'
      : 'custom_attrs_values';
  const ofRoles = roles
    .filter((role) => Object.keys(role.inputs).length > 0)
    .map((role) => ({ name: role.name, [member]: valuesOf(role.inputs) }));
  return { [member]: valuesOf(inputs), ...(ofRoles.length === 0 ? {} : { roles: ofRoles }) };
}

/** A network for each that the service asks for; the pages and questions for networks are not run. */
function networksOf({ networks }: Asked): readonly object[] | undefined {
  if (typeof networks !== 'object' || networks === null) return undefined;
  return Object.keys(networks).map((name) => ({ [name]: { id: '5' } }));
}

const withNetworks = (
  body: Asked,
  merge: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> => {
  const networks_values = networksOf(body);
  return networks_values === undefined ? merge : { ...merge, networks_values };
};

function waysOf(
  judged: Judged,
  body: Asked,
  fire: FireEdge,
  classic: ReturnType<typeof classicSunstone>,
): { readonly merges: Record<string, unknown>; readonly refused: Record<string, Outcome> } {
  const { inputs, roles } = readBody(body);
  const asked = Object.fromEntries(
    roles.map(({ name }) => [name, userInputs(judged.vmTemplates[kindOf(name)])]),
  );
  const merges: Record<string, unknown> = { [COMMAND_LINE]: COMMAND_LINE };
  const refused: Record<string, Outcome> = {};
  for (const [suffix, typed, valuesOf] of [
    ['', {}, defaults],
    [', other values', otherValues(inputs), otherValues],
  ] as const) {
    merges[`program${suffix}`] = withNetworks(body, program(body, valuesOf));
    const forms: Readonly<Record<string, (() => Sent) | undefined>> = {
      Sunstone: () => fire.send(body, asked, typed),
      'classic Sunstone': classic && (() => classic(body, asked, typed)),
    };
    for (const [form, send] of Object.entries(forms)) {
      if (send === undefined) continue;
      const sent = send();
      if ('refused' in sent) refused[`${form}${suffix}`] = sent;
      else merges[`${form}${suffix}`] = withNetworks(body, sent.merge);
    }
  }
  return { merges, refused };
}

/** Terraform's provider and the REST API put the service template into TEMPLATE.BODY. */
const unwrapped = (body: Asked): Asked => {
  const inner = (body as { readonly TEMPLATE?: { readonly BODY?: Asked } }).TEMPLATE?.BODY;
  return inner ?? body;
};

async function askVersion(from: Source): Promise<Readonly<Record<string, OfVersion>>> {
  const fire = await fireEdge(from);
  const classic = classicSunstone(from);
  const parsed = JUDGED.map((judged) => [judged, unwrapped(JSON.parse(judged.text) as Asked)] as const);
  const cases = parsed.map(([judged, body]) => ({
    judged,
    body,
    vm_templates: vmTemplates(judged, readBody(body)),
  }));
  const created = drive(
    from,
    Object.fromEntries(cases.map(({ judged, ...rest }) => [judged.name, { ...rest, ways: {} }])),
  );
  const second = cases.flatMap(({ judged, body, vm_templates }) => {
    const stored = created[judged.name]?.body;
    return stored === undefined
      ? []
      : [{ judged, body, vm_templates, ...waysOf(judged, stored, fire, classic) }];
  });
  const started = drive(
    from,
    Object.fromEntries(
      second.map(({ judged, body, vm_templates, merges }) => [
        judged.name,
        { body, vm_templates, ways: merges, networks: networksOf(body) },
      ]),
    ),
  );
  return Object.fromEntries(
    cases.map(({ judged }): [string, OfVersion] => {
      const refusal = created[judged.name]!.created;
      if (refusal !== undefined) return [judged.name, { refused: refusal }];
      const outcomes = Object.entries(started[judged.name]!.ways!).map(
        ([way, { refused, failed, roles }]): [string, Outcome] => [
          way,
          refused !== undefined
            ? { refused }
            : failed !== undefined
              ? { failed }
              : {
                  roles: Object.fromEntries(
                    Object.entries(roles!).map(([role, context]) => [role, indexOf(context)]),
                  ),
                },
        ],
      );
      const { refused } = second.find((other) => other.judged === judged)!;
      return [judged.name, { ways: { ...Object.fromEntries(outcomes), ...refused } }];
    }),
  );
}

/** The answers of oned's parser, which must be the same in every version. */
function askTexts({ oned }: Source): Answers['texts'] {
  const out = execFileSync(oned, ['texts'], {
    input: TEXTS.map((text) => `${text}\0`).join(''),
    maxBuffer: 2 ** 30,
  }).toString();
  return out
    .split('\0')
    .slice(0, -1)
    .map((answer) => (answer.startsWith('!') ? null : answer.split('\x1e').slice(0, -1).map(attribute)));
}

/** oned.cc, texts(). */
function attribute(answer: string): Attribute {
  const [name, ...parts] = answer.split('\x1d');
  if (parts.length === 0) return answer.split('\x1f') as [string, string];
  return [
    name!,
    Object.fromEntries(parts.filter(Boolean).map((part) => part.split('\x1f') as [string, string])),
  ];
}

let texts: Answers['texts'] | undefined;
const versions: [string, Readonly<Record<string, OfVersion>>][] = [];
for (const version of VERSIONS) {
  console.log(`OpenNebula ${version.name}`);
  const from = source(version);
  versions.push([version.name, await askVersion(from)]);
  const read = askTexts(from);
  texts ??= read;
  if (JSON.stringify(texts) !== JSON.stringify(read))
    throw new Error(`oned ${version.name} parses templates differently`);
}
const answers = Object.fromEntries(
  JUDGED.map((judged) => [
    judged.name,
    {
      sha256: fingerprint(judged),
      versions: Object.fromEntries(
        versions.map(([version, ofVersion]) => [version, ofVersion[judged.name]!]),
      ),
    },
  ]),
);
/** One line for each text, context, template and way: a diff shows what has changed. */
const lines = (members: readonly unknown[]): string =>
  `[\n${members.map((member) => JSON.stringify(member)).join(',\n')}\n]`;
writeFileSync(
  ANSWERS,
  `{
"texts": ${lines(texts ?? [])},
"contexts": ${lines([...contexts.keys()].map((key) => JSON.parse(key) as unknown))},
"answers": ${JSON.stringify(answers, null, 1).replaceAll(/\{[^{}]*\}/g, (object) => object.replaceAll(/\n\s*/g, ' '))}
}\n`,
);
console.log(`${JUDGED.length} templates, ${VERSIONS.length} versions: ${ANSWERS}`);
