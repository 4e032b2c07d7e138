// What lint reports about the text itself: the path of a finding, and texts that are not JSON or not a template.
import { describe, expect, test } from 'vitest';
import { lint } from '../../../../src/templates/lint/lint.ts';
import { Template } from '../../../support/templates/template.ts';

describe('the path of a finding', () => {
  test('is that of the member', () => {
    const { text } = new Template('single-site', 7).inRole('supernode', { cooldown: 5 });
    expect(lint(text).findings).toMatchObject([{ path: '$.roles[1].cooldown' }]);
  });

  test('is that of the object in which a member is missing', () => {
    const { text } = new Template('single-site', 7).written('supernode', 'TOKEN', undefined);
    expect(lint(text).findings).toMatchObject([
      { code: 'token_missing', path: '$.roles[1].template_contents.CONTEXT' },
    ]);
  });

  test('starts at the root of a document as `oneflow-template show --json` prints it', () => {
    const inner = new Template('coordinator', 7).service({ ready_status_gate: false }).body;
    const text = JSON.stringify({ DOCUMENT: { ID: '7', TEMPLATE: { BODY: inner } } }, null, 2);
    expect(lint(text).findings).toMatchObject([
      { code: 'gate_off', path: '$.DOCUMENT.TEMPLATE.BODY.ready_status_gate' },
    ]);
  });

  test('is a JSONPath for names with other characters, too', () => {
    const { text } = new Template('coordinator', 7).service({ user_inputs: { 'FL_ A': 'O|text|Site||' } });
    expect(lint(text).findings).toMatchObject([{ code: 'unknown_variable', path: '$.user_inputs["FL_ A"]' }]);
  });
});

describe('a template with five mistakes', () => {
  const text = new Template('single-site', 7)
    .service({ ready_status_gate: false, deployment: 'none' })
    .inRole('superlink', { max_vms: 3 })
    .inRole('supernode', { cooldown: 5 })
    .preset('FL_NUM_ROUNDS', 'many').text;
  const { findings } = lint(text);

  test('has five findings in one run, errors first', () => {
    expect(findings.map(({ code }) => code)).toEqual([
      'gate_off',
      'deployment_not_straight',
      'superlink_count',
      'preset_invalid',
      'cooldown_short',
    ]);
  });

  test('gets a line for each that is a member of the template', () => {
    expect(findings.map(({ fix }) => Object.keys(JSON.parse(`{${fix?.line}}`)))).toEqual([
      ['ready_status_gate'],
      ['deployment'],
      ['max_vms'],
      ['FL_NUM_ROUNDS'],
      ['cooldown'],
    ]);
  });
});

describe('a text that is not JSON', () => {
  test.each([
    ['{\n  "name": "x",\n}', /line 3 column 1/],
    ['{ "name": "x" "roles": [] }', /line 1 column 15/],
    ['', /end/],
    ['{ "name": tru }', /tru/],
    ['[1, 2] 3', /line 1 column 8/],
    ['{ "a": \u001b[31m }', /Unexpected token/],
    [`${'['.repeat(20000)}${']'.repeat(20000)}`, /stack/],
  ])('%# is one finding with the position', (text, found) => {
    const { findings, ...rest } = lint(text);
    expect(rest).toEqual({ format: undefined, topology: undefined });
    expect(findings).toMatchObject([{ code: 'not_json', path: '$', found: expect.stringMatching(found) }]);
    expect(findings[0]?.found).not.toMatch(/\p{Cc}/u);
  });

  test('is another finding than JSON that is no template', () => {
    for (const text of ['[1]', '[[[[[[[[[[[[{"name":"x"}]]]]]]]]]]]]', '"x"'])
      expect(lint(text).findings).toMatchObject([
        { code: 'schema', found: 'the file has no service template' },
      ]);
    expect(lint('{"name":"x"}').findings).toMatchObject([{ code: 'schema', path: '$.roles' }]);
  });

  test('may begin with a byte order mark', () => {
    expect(lint(`\ufeff${new Template('single-site', 7).text}`).findings).toEqual([]);
  });
});

test('a role of another kind is not checked', () => {
  const template = new Template('single-site', 7);
  template.roles.push({ name: 'database', type: 'vm', cardinality: 1, template_id: 3 });
  expect(lint(template.text).findings).toEqual([]);
});
