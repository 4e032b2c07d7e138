// Service templates for tests of lint: one of ours, taken apart by hand. The same strokes work on both forms.
import { DEFAULT_WISHES, type Form, serviceTemplate } from '../../../src/params/surfaces/oneflow.ts';
import { SITES, type Site } from '../../../src/params/surfaces/site.ts';

type Members = Record<string, unknown>;
export type RoleName = 'superlink' | 'supernode';

export class Template {
  readonly form: Form;
  readonly body: Members;

  constructor(site: Site, form: Form) {
    this.form = form;
    this.body = structuredClone(
      serviceTemplate({ ...DEFAULT_WISHES, site, form, supernodes: SITES[site].supernodes }),
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

  /** Adds another role like one that is there. */
  again(name: RoleName, as: string): this {
    this.roles.push({ ...structuredClone(this.role(name)), name: as });
    return this;
  }

  /** Sets an input of a role or of the service; undefined removes it. In the form of 6 it is mapped as well. */
  input(where: RoleName | 'service', name: string, text: string | undefined): this {
    const key = this.form === 7 ? 'user_inputs' : 'custom_attrs';
    const owner = where === 'service' ? this.body : this.role(where);
    change(owner[key] as Members, { [name]: text });
    if (this.form === 7) return this;
    for (const role of where === 'service' ? this.roles : [this.role(where)]) {
      const contents = String(role['vm_template_contents']);
      if (text === undefined)
        role['vm_template_contents'] = contents.replace(new RegExp(`  ${name}="\\$${name}",?\\n?`), '');
      else if (!new RegExp(`\\$${name}\\b`).test(contents)) this.#addToContext(role, name, `$${name}`);
    }
    return this;
  }

  /** Changes what the form is filled in with. */
  preset(where: RoleName | 'service', name: string, preset: string): this {
    const key = this.form === 7 ? 'user_inputs' : 'custom_attrs';
    const owner = where === 'service' ? this.body : this.role(where);
    const inputs = owner[key] as Record<string, string>;
    const [mandatory, type, title, options = ''] = inputs[name]!.split('|');
    inputs[name] = [mandatory, type, title, options, preset].join('|');
    return this;
  }

  /** Sets a word of the role's CONTEXT; undefined removes it. */
  context(where: RoleName, name: string, value: string | undefined): this {
    const role = this.role(where);
    if (this.form === 7) {
      change((role['template_contents'] as { CONTEXT: Members }).CONTEXT, { [name]: value });
      return this;
    }
    const contents = String(role['vm_template_contents']);
    role['vm_template_contents'] = contents.replace(new RegExp(`  ${name}="[^"]*",?\\n?`), '');
    if (value !== undefined) this.#addToContext(role, name, value);
    return this;
  }

  #addToContext(role: Members, name: string, value: string): void {
    role['vm_template_contents'] = String(role['vm_template_contents']).replace(
      'CONTEXT=[\n',
      `CONTEXT=[\n  ${name}="${value}",\n`,
    );
  }
}

function change(owner: Members, members: Members): void {
  for (const [name, value] of Object.entries(members)) {
    if (value === undefined) delete owner[name];
    else owner[name] = value;
  }
}
