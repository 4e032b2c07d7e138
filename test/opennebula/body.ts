// The parts of a service template that a client reads to ask for its inputs.
export type Names = Readonly<Record<string, string>>;

export interface Role {
  readonly name: string;
  readonly inputs: Names;
  /** The id of its VM template. */
  readonly template: number | undefined;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Body {
  readonly inputs: Names;
  readonly roles: readonly Role[];
}

const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};

const texts = (value: unknown): Names =>
  Object.fromEntries(
    Object.entries(record(value)).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );

export function readBody(value: unknown): Body {
  const body = record(value);
  const roles = Array.isArray(body.roles) ? body.roles.map(record) : [];
  return {
    inputs: texts(body.custom_attrs ?? body.user_inputs),
    roles: roles.map((role) => {
      const id = Number(role.vm_template ?? role.template_id);
      return {
        name: String(role.name),
        inputs: texts(role.custom_attrs ?? role.user_inputs),
        template: Number.isInteger(id) ? id : undefined,
        body: role,
      };
    }),
  };
}

export interface Input {
  readonly mandatory: boolean;
  readonly type: string;
  readonly options: string;
  readonly initial: string;
}

export function readInput(text: string): Input {
  const [mandatory = '', type = '', , options = '', initial = ''] = text
    .split('|')
    .map((part) => part.trim());
  return { mandatory: mandatory === 'M', type, options, initial };
}

/** The presets of the form. */
export const defaults = (inputs: Names): Names =>
  Object.fromEntries(Object.entries(inputs).map(([name, text]) => [name, readInput(text).initial]));

/** For each input a value that is not its default, as a user can enter it. */
export const otherValues = (inputs: Names): Names =>
  Object.fromEntries(Object.entries(inputs).map(([name, text]) => [name, other(readInput(text))]));

function other({ type, options, initial }: Input): string {
  switch (type) {
    case 'number':
      return String(Number(initial) + 41);
    case 'number-float':
      return initial === '0.25' ? '0.5' : '0.25';
    case 'boolean':
      return initial === 'YES' ? 'NO' : 'YES';
    case 'list':
      return options.split(',').findLast((option) => option !== initial && option !== '') ?? initial;
    case 'text64':
      return Buffer.from('-----BEGIN SOMETHING-----\nx+/y==\n-----END SOMETHING-----\n').toString('base64');
    default:
      return "a=1 b=2,c # d [e] 'f' <g>&h";
  }
}
