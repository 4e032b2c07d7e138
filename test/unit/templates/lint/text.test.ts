// What lint says about the text itself: where things are, and when it is no JSON at all.
import { describe, expect, test } from 'vitest';
import { formatPath, NotJson, readJson } from '../../../../src/templates/lint/json.ts';
import { lint } from '../../../../src/templates/lint/lint.ts';
import { Template } from '../../../support/templates/workshop.ts';

describe('the position of a finding', () => {
  test('is the line and column of the member in the file', () => {
    const text = new Template('single-site', 7).inRole('supernode', { cooldown: 5 }).text;
    const [finding] = lint(text).findings;
    const line = text.split('\n')[finding!.line - 1]!;
    expect(line.slice(finding!.column - 1)).toMatch(/^"cooldown": 5/);
    expect(finding!.path).toBe('$.roles[1].cooldown');
  });

  test('is what surrounds it when something is missing', () => {
    const text = new Template('single-site', 7).written('supernode', 'TOKEN', undefined).text;
    const [finding] = lint(text).findings;
    expect(finding).toMatchObject({ code: 'token_missing', path: '$.roles[1].template_contents.CONTEXT' });
    expect(text.split('\n')[finding!.line - 1]).toContain('"CONTEXT"');
  });

  test('is right in a document as `oneflow-template show --json` prints it', () => {
    const inner = new Template('coordinator', 7).service({ ready_status_gate: false }).body;
    const text = JSON.stringify({ DOCUMENT: { ID: '7', TEMPLATE: { BODY: inner } } }, null, 2);
    expect(lint(text).findings).toMatchObject([
      { code: 'gate_off', path: '$.DOCUMENT.TEMPLATE.BODY.ready_status_gate' },
    ]);
  });
});

describe('a template with five mistakes', () => {
  const text = new Template('single-site', 7)
    .service({ ready_status_gate: false, deployment: 'none' })
    .inRole('superlink', { max_vms: 3 })
    .written('superlink', 'REPORT_READY', undefined)
    .preset('FL_NUM_ROUNDS', 'many').text;
  const { findings } = lint(text);

  test('has five findings in one run, in the order of the file', () => {
    expect(findings.map(({ code }) => code)).toEqual([
      'deployment_not_straight',
      'gate_off',
      'preset_invalid',
      'superlink_count',
      'report_ready_missing',
    ]);
    expect(findings.map(({ line }) => line)).toEqual(
      findings.map(({ line }) => line).toSorted((a, b) => a - b),
    );
  });

  test('gets a line for each that is a member of the template', () => {
    expect(findings.map(({ fix }) => Object.keys(JSON.parse(`{${fix.line}}`)))).toEqual([
      ['deployment'],
      ['ready_status_gate'],
      ['FL_NUM_ROUNDS'],
      ['max_vms'],
      ['REPORT_READY'],
    ]);
  });
});

describe('a text that is not JSON', () => {
  test.each([
    ['{\n  "name": "x",\n}', 3, 'a member is missing after the comma'],
    ['{ "name": "x" "roles": [] }', 1, 'a comma or } is missing'],
    ["{ 'name': 1 }", 1, 'a name in double quotes is missing'],
    ['{ "name": "x"\n', 2, 'a comma or } is missing'],
    ['', 1, 'it ends too early'],
    ['{ "name": tru }', 1, 'a value is missing'],
    ['{ "name": "a\tb" }', 1, 'a text with a control character that is not escaped'],
    ['{ "name": "a\n" }', 1, 'a text that does not end on its line'],
    ['[1, 2] 3', 1, 'something stands after its end'],
    ['['.repeat(200), 1, 'it is nested more than 100 deep'],
  ])('%j is refused at line %d', (text, line, found) => {
    expect(lint(text).findings).toMatchObject([{ code: 'not_json', line, found }]);
  });

  test('is distinguished from JSON that is no template', () => {
    expect(lint('[1]').findings).toMatchObject([{ code: 'schema', found: 'it is not a service template' }]);
  });
});

describe('the reader of JSON', () => {
  test.each([
    '{"a":[1,-2.5e3,true,false,null,"\\u00e4\\n"],"b":{}}',
    ' [ ] ',
    '"x"',
    '{"__proto__":1}',
    '\ufeff{"a":1}',
  ])('reads %j as JSON.parse does', (text) => {
    expect(readJson(text).value).toEqual(JSON.parse(text.replace('\ufeff', '')));
  });

  test('finds duplicate names in one object', () => {
    const text = '{\n "name": "a",\n "roles": [],\n "name": "b"\n}';
    expect(lint(text).findings.map(({ code, path }) => `${code} ${path}`)).toContain('duplicate_key $.name');
    expect(readJson(text).placeOf(['name'])).toEqual({ line: 4, column: 2 });
  });

  test('reports the position of an error', () => {
    expect(() => readJson('{\n  "a": 1\n  "b": 2\n}')).toThrow(NotJson);
  });

  test('writes paths as JSONPath does', () => {
    expect(formatPath(['roles', 0, 'a b', 'c'])).toBe('$.roles[0]["a b"].c');
  });
});

describe('a role of another application', () => {
  test('has no findings', () => {
    const template = new Template('single-site', 7);
    template.roles.push({ name: 'database', type: 'vm', cardinality: 1, template_id: 3 });
    expect(lint(template.text).findings).toEqual([]);
  });
});
