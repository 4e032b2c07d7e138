// The request of the classic Sunstone of OpenNebula 6 to instantiate a service. The conversions between text and attributes are its own code
// (utils/template-utils.js). The code of the pages follows form-panels/instantiate.js, utils/user-inputs.js and utils/wizard-fields.js.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { type Names, readBody, readInput } from './body.ts';
import type { Sent } from './fireedge.ts';
import type { Source } from './sources.ts';

interface TemplateUtils {
  stringToTemplate(text: string): Record<string, unknown> | false;
  templateToString(template: object): string;
  escapeDoubleQuotes(text: string): string;
}

const FILE = 'src/sunstone/public/app/utils/template-utils.js';

/** Undefined for a version without it. */
export function classicSunstone(
  source: Source,
):
  | ((body: Readonly<Record<string, unknown>>, asked: Readonly<Record<string, Names>>, typed: Names) => Sent)
  | undefined {
  const path = join(source.folder, FILE);
  if (!existsSync(path)) return undefined;
  const utils = load(readFileSync(path, 'utf8'));
  /** An empty field is not sent; text64 is encoded; a list without the given value sends its first option. */
  const retrieve = (inputs: Names, shown: Names): Record<string, string> => {
    const values: Record<string, string> = {};
    for (const [name, text] of Object.entries(inputs)) {
      const { type, options, initial } = readInput(text);
      const value = field(type, options, shown[name] ?? initial);
      if (value !== '') values[name] = type === 'text64' ? btoa(value) : utils.escapeDoubleQuotes(value);
    }
    return values;
  };
  return (body, asked, typed) => {
    const { inputs } = readBody(body);
    const values = retrieve(inputs, typed);
    const read = Object.entries(inputs).map(([name, text]) => [name, readInput(text)] as const);
    const empty = read.find(([name, { mandatory }]) => mandatory && values[name] === undefined);
    if (empty !== undefined) return { refused: `the page: ${empty[0]} is required` };
    const optional = read
      .filter(([, { mandatory }]) => !mandatory)
      .map(([name, { initial }]) => [name, initial]);
    const roles = (body.roles as readonly Record<string, unknown>[]).map((role) => {
      const contents = utils.stringToTemplate(String(role.vm_template_contents ?? '')) || {};
      // The attributes of the role override those of the VM template, and are the presets of its inputs.
      const shown = Object.fromEntries(
        Object.entries(contents).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
      );
      const own = retrieve(asked[String(role.name)] ?? {}, shown);
      for (const name of Object.keys(own)) delete contents[name];
      return {
        ...role,
        user_inputs_values: own,
        vm_template_contents: utils.templateToString(contents) + utils.templateToString(values),
      };
    });
    return { merge: { custom_attrs_values: { ...Object.fromEntries(optional), ...values }, roles } };
  };
}

function field(type: string, options: string, value: string): string {
  switch (type) {
    case 'list': {
      const all = options.split(',').map((option) => option.trim());
      return all.includes(value) ? value : all[0]!;
    }
    case 'boolean':
      return value === 'YES' || value === 'NO' ? value : '';
    case 'number':
    case 'number-float':
      return value.trim() !== '' && Number.isFinite(Number(value)) ? value : '';
    default:
      return value;
  }
}

function load(text: string): TemplateUtils {
  let module: unknown;
  const each = (list: object, visit: (key: unknown, value: unknown) => unknown): void => {
    for (const [key, value] of Object.entries(list)) visit(key, value);
  };
  const $ = { each, extend: (...objects: object[]) => Object.assign({}, ...objects) };
  runInNewContext(text, {
    $,
    define: (make: (require: () => object) => unknown) => {
      module = make(() => ({}));
    },
  });
  return module as TemplateUtils;
}
