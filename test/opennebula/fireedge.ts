// The Sunstone of FireEdge: its own form code of one version, bundled into one file without the code that draws.
//
// The steps of the instantiation, the yup schemas of their fields and the conversion of the fields are FireEdge's own code. This file replaces
// the React component around them (`formatRoles` of modules/containers/ServiceTemplates/Instantiate.js; version 6 has no such step).
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { type Names, readBody, readInput } from './body.ts';
import { CACHE, type Source } from './sources.ts';

/** Versions as in every package.json of FireEdge from 6.8.3 to 7.5.80. */
const PACKAGES = ['yup@0.32.9', 'lodash@4.17.21'];
const NPM = join(CACHE, 'npm');

interface Step {
  readonly id: string;
  readonly resolver: Schema | ((data: unknown) => Schema);
}

interface Schema {
  validateSync(data: unknown, options: object): unknown;
  cast(data: unknown, options: object): unknown;
}

interface Form {
  readonly steps: readonly Step[];
  readonly defaultValues: Record<string, Record<string, unknown> | undefined>;
  resolver(): Schema;
  transformBeforeSubmit(data: unknown): Record<string, unknown>;
}

interface Bundle {
  readonly Steps: (props: object, initial: object) => Form;
  readonly translation: { readonly buildTranslationLocale?: () => void; readonly buildMethods?: () => void };
}

export type Sent = { readonly merge: Readonly<Record<string, unknown>> } | { readonly refused: string };

export interface FireEdge {
  /**
   * The request after a user has confirmed all pages, except that of the networks.
   * @param body the service template, as OneFlow stores it
   * @param asked USER_INPUTS of each role's VM template
   * @param typed values for inputs of the service; the others stay as they are
   */
  send(body: Readonly<Record<string, unknown>>, asked: Readonly<Record<string, Names>>, typed: Names): Sent;
}

export async function fireEdge({ folder, version }: Source): Promise<FireEdge> {
  const out = join(folder, 'build/fireedge.cjs');
  if (!existsSync(out)) await bundle(join(folder, 'src/fireedge/src'), out);
  const { Steps, translation } = createRequire(import.meta.url)(out) as Bundle;
  translation.buildTranslationLocale?.();
  translation.buildMethods?.();
  const six = version.name.startsWith('6.');

  return {
    send({ networks: _networks, ...body }, asked, typed) {
      const roles = (body.roles as readonly Record<string, unknown>[]).map((role) =>
        six
          ? role
          : {
              ...role,
              vm_template_id_content: { TEMPLATE: { USER_INPUTS: asked[String(role.name)] ?? {} } },
            },
      );
      const template = { ID: '1', NAME: String(body.name), TEMPLATE: { BODY: { ...body, roles } } };
      const form = Steps({ dataTemplate: template }, template);
      const data = structuredClone(form.defaultValues);
      data.general = { ...data.general, NAME: 'a service', INSTANCES: 1 };
      const page = six ? 'custom_attrs_values' : 'user_inputs';
      const { inputs } = readBody(body);
      const values = Object.entries(typed).map(([name, value]) => [
        six ? name.toLowerCase() : name,
        // A switch holds true or false.
        readInput(inputs[name] ?? '').type === 'boolean' ? value === 'YES' : value,
      ]);
      if (values.length > 0) data[page] = { ...data[page], ...Object.fromEntries(values) };
      for (const { id, resolver } of form.steps) {
        try {
          (typeof resolver === 'function' ? resolver(data) : resolver).validateSync(data[id], {
            context: data,
          });
        } catch (error) {
          return { refused: `the page '${id}': ${error instanceof Error ? error.message : String(error)}` };
        }
      }
      const sent = form.transformBeforeSubmit(form.resolver().cast(data, { context: data, isSubmit: true }));
      return {
        merge: JSON.parse(JSON.stringify(six ? sent : withRoles(sent, body, version.name))) as Record<
          string,
          unknown
        >,
      };
    },
  };
}

/** modules/containers/ServiceTemplates/Instantiate.js, onSubmit, without scheduled actions. */
function withRoles(
  sent: Record<string, unknown>,
  body: Readonly<Record<string, unknown>>,
  version: string,
): Record<string, unknown> {
  const { instances: _instances, userInputsRole, SCHED_ACTION: _actions, ...rest } = sent;
  const values = (userInputsRole ?? {}) as Record<string, Names | undefined>;
  const roles = (body.roles as readonly Record<string, unknown>[]).map((role) => {
    const own = values[String(role.name)];
    return own === undefined ? role : { ...role, user_inputs_values: own };
  });
  // 7.0 sends the parts that it has moved into the roles a second time.
  return { ...(version.startsWith('7.0') ? sent : rest), roles };
}

async function bundle(src: string, out: string): Promise<void> {
  mkdirSync(NPM, { recursive: true });
  if (!existsSync(join(NPM, 'node_modules/yup'))) {
    writeFileSync(join(NPM, 'package.json'), '{"private":true}\n');
    execFileSync(
      'npm',
      ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', ...PACKAGES],
      {
        cwd: NPM,
        stdio: ['ignore', 'inherit', 'inherit'],
      },
    );
  }
  const files = execFileSync(
    'find',
    [src, '-path', '*ServiceTemplate*', '-path', '*InstantiateForm/Steps/index.js'],
    {
      encoding: 'utf8',
    },
  )
    .split('\n')
    .filter(Boolean);
  // 7.4 has the form twice; the one below resources/resources is in use (modules/resources/index.js).
  const steps = files.find((file) => file.includes('/resources/resources/')) ?? files[0]!;
  const translation = ['client/utils/translation.js', 'modules/utils/translation.js']
    .map((path) => join(src, path))
    .find((path) => existsSync(path))!;
  await build({
    stdin: {
      contents: `export { default as Steps } from '${steps}'\nexport * as translation from '${translation}'\n`,
      resolveDir: src,
    },
    bundle: true,
    format: 'cjs',
    platform: 'node',
    outfile: out,
    // As TypeScript: esbuild then drops an import that only a comment uses, like FireEdge's own build.
    loader: { '.js': 'tsx' },
    logLevel: 'error',
    plugins: [withoutScreen(src)],
  });
}

/** The modules of FireEdge that are kept: the steps of the form and their parts. */
const KEPT = [
  /^\/(modules|client)\/(utils|constants|models)\//,
  /ServiceTemplate\/(Forms\/)?InstantiateForm\/Steps\/(index|UserInputs|UserInputsRole|General|Charters?|Networks?)\b/,
  /VmTemplate\/(Forms\/)?InstantiateForm\/Steps\/UserInputs\b/,
  /\/Forms\/UserInputs\.js$/,
];
const MODULES: Names = {
  '@UtilsModule': 'modules/utils',
  '@ConstantsModule': 'modules/constants',
  '@ModelsModule': 'modules/models',
};

const withoutScreen = (src: string): Plugin => ({
  name: 'without-screen',
  setup(build) {
    const file = (path: string): string | undefined =>
      [path, `${path}.js`, join(path, 'index.js')].find(
        (name) => existsSync(name) && statSync(name).isFile(),
      );
    build.onResolve({ filter: /.*/ }, ({ path, importer, kind }) => {
      if (kind === 'entry-point') return undefined;
      if (/^(yup|lodash)(\/|$)/.test(path))
        return { path: createRequire(join(NPM, 'package.json')).resolve(path) };
      if (importer.includes('/node_modules/')) return undefined;
      const module = path.startsWith('/')
        ? path
        : path.startsWith('.')
          ? join(dirname(importer), path)
          : join(src, MODULES[path] ?? path.replace(/^@(?=modules\/)/, ''));
      const found = file(module);
      return found !== undefined && KEPT.some((kept) => kept.test(found.slice(src.length)))
        ? { path: found }
        : { path, namespace: 'screen' };
    });
    build.onLoad({ filter: /.*/, namespace: 'screen' }, () => ({ contents: NOTHING, loader: 'js' }));
  },
});

/** Replaces each module that draws: every member of it is a function that returns the same object. */
const NOTHING = `
const get = (target, key) =>
  key === '__esModule' ? true : key === Symbol.toPrimitive ? () => '' : typeof key === 'symbol' ? undefined : key === 'prototype' ? {} : nothing;
const base = new Proxy({}, { get });
const nothing = new Proxy(function () {}, { get, getPrototypeOf: () => base, apply: () => nothing, construct: () => nothing });
module.exports = nothing;
`;
