// Service templates for tests of lint: a generated template and changes to it. The changes work on both formats.
import { DEFAULT_OPTIONS, type OneFlowVersion, serviceTemplate } from '../../../src/templates/oneflow.ts';
import { TOPOLOGIES, type Topology } from '../../../src/templates/topology.ts';

type Members = Record<string, unknown>;
type RoleName = 'superlink' | 'supernode';

export class Template {
  readonly format: OneFlowVersion;
  readonly body: Members;

  constructor(topology: Topology, format: OneFlowVersion) {
    this.format = format;
    this.body = structuredClone(
      serviceTemplate({
        ...DEFAULT_OPTIONS,
        topology,
        format,
        all: true,
        supernodes: TOPOLOGIES[topology].supernodes,
      }),
    );
  }

  get text(): string {
    return JSON.stringify(this.body, null, 2);
  }

  get roles(): Members[] {
    return this.body['roles'] as Members[];
  }

  role(name: RoleName): Members {
    return this.roles.find((role) => role['name'] === name)!;
  }

  /** Sets members of the service, of a role; undefined removes. */
  service(members: Members): this {
    change(this.body, members);
    return this;
  }

  inRole(name: RoleName, members: Members): this {
    change(this.role(name), members);
    return this;
  }

  /** Adds a copy of a role with another name. */
  again(name: RoleName, as: string): this {
    this.roles.push({ ...structuredClone(this.role(name)), name: as });
    return this;
  }

  /** Sets an input of the service, whose value reaches this role or all roles in the format of 6; undefined removes it. */
  input(where: RoleName | 'service', name: string, text: string | undefined): this {
    for (const owner of [this.body, ...this.roles]) change(this.#inputsOf(owner), { [name]: undefined });
    const roles = where === 'service' ? this.roles : [this.role(where)];
    if (text === undefined) {
      if (this.format === 6) for (const role of this.roles) this.#line(role, name, undefined);
      return this;
    }
    change(this.#inputsOf(this.body), { [name]: text });
    if (this.format === 6)
      for (const role of roles) if (!this.#refersTo(role, name)) this.#line(role, name, `$${name}`);
    return this;
  }

  /** Adds an input at a role and keeps that of the service. */
  roleInput(where: RoleName, name: string, text: string): this {
    const role = this.role(where);
    change(this.#inputsOf(role), { [name]: text });
    if (this.format === 6 && !this.#refersTo(role, name)) this.#line(role, name, `$${name}`);
    return this;
  }

  /** Changes a preset. The input moves to the service, as with `template --set`. */
  preset(name: string, preset: string): this {
    const owner = [this.body, ...this.roles].find((one) => name in this.#inputsOf(one))!;
    const [mandatory, type, title, options] = (this.#inputsOf(owner)[name] as string).split('|');
    for (const one of this.roles) change(this.#inputsOf(one), { [name]: undefined });
    change(this.#inputsOf(this.body), { [name]: [mandatory, type, title, options, preset].join('|') });
    return this;
  }

  /** Writes a value into the contents of a role: into the CONTEXT in the format of 7, as a line in that of 6. */
  written(where: RoleName, name: string, value: string | undefined): this {
    const role = this.role(where);
    if (this.format === 6) this.#line(role, name, value);
    else change((role['template_contents'] as { CONTEXT: Members }).CONTEXT, { [name]: value });
    return this;
  }

  #inputsOf(owner: Members): Members {
    const key = this.format === 7 ? 'user_inputs' : 'custom_attrs';
    owner[key] ??= {};
    return owner[key] as Members;
  }

  #refersTo = (role: Members, name: string): boolean =>
    new RegExp(`\\$${name}\\b`).test(String(role['vm_template_contents']));

  /** As the first line; undefined removes it. */
  #line(role: Members, name: string, value: string | undefined): void {
    const others = String(role['vm_template_contents']).replace(new RegExp(`^${name}="[^"]*"\n`, 'm'), '');
    role['vm_template_contents'] = value === undefined ? others : `${name}="${value}"\n${others}`;
  }
}

function change(owner: Members, members: Members): void {
  for (const [name, value] of Object.entries(members)) {
    if (value === undefined) delete owner[name];
    else owner[name] = value;
  }
}
