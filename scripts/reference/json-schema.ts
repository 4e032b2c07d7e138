// JSON Schema of a CONTEXT, for editors and other programs. Only the agent checks cross-variable rules, and the content of
// addresses, lists and certificates.
import * as z from 'zod';
import { aliasOf, namesOf, rowOf, type VariableName } from '../../src/config/table.ts';
import { comesFromImage, defaultText } from '../../src/config/user-inputs.ts';
import { ROLE_TITLE, type Role } from '../../src/core/role.ts';

type JsonObject = Record<string, unknown>;

/** A draft 2020-12 schema of an object NAME -> value (all values are text; empty means unset). */
export function contextJsonSchema(role: Role): JsonObject {
  const names = namesOf(role);
  const aliases = names.flatMap((name) => {
    const alias = aliasOf(name);
    return alias === undefined ? [] : [[alias, { $ref: `#/properties/${name}` }] as const];
  });
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: `CONTEXT of a Flower ${ROLE_TITLE[role]}`,
    type: 'object',
    properties: Object.fromEntries([
      ...names.map((name) => [name, property(name, role)] as const),
      ...aliases,
    ]),
    additionalProperties: { type: 'string' },
  };
}

function property(name: VariableName, role: Role): JsonObject {
  const row = rowOf(name);
  const { $schema: _, ...value } = z.toJSONSchema(row.schema, { io: 'input' }) as JsonObject;
  const preset = comesFromImage(row) ? undefined : defaultText(name, role);
  return {
    title: row.title,
    description: `${row.description} Accepts: ${row.expected}.`,
    anyOf: [{ const: '' }, value],
    ...(preset === undefined ? {} : { default: preset }),
    examples: [row.example],
    ...(row.secret ? { writeOnly: true } : {}),
  };
}
