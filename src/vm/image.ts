// appliance.json: what the builder of the image decided. The install script writes it; nobody edits it on a VM.
import * as z from 'zod';
import { FRAMEWORKS } from '../config/frameworks.ts';
import { BAKED_FLOWER } from '../config/locked.ts';
import { Problem } from '../core/problem.ts';
import { ROLES } from '../core/role.ts';
import { isVersion } from '../core/version.ts';

const USER = /^[a-z_][a-z0-9_-]{0,31}$/;

const SCHEMA = z.object({
  role: z.enum(ROLES),
  flower: z.object({ version: z.string().refine(isVersion), framework: z.enum(FRAMEWORKS) }),
  user: z.string().regex(USER).default('flower'),
  /** When the image was built; undefined in images of earlier versions. No clock of a VM can be earlier. */
  built: z.iso
    .datetime()
    .transform((text) => new Date(text))
    .optional()
    .catch(undefined),
});

/** The role of this image, the Flower in it, the user that Flower runs as, and its age. */
export type Image = z.output<typeof SCHEMA>;

/**
 * Reads appliance.json; unknown members are left out.
 * @throws Problem image_incomplete that names every wrong member.
 */
export function parseImage(text: string): Image {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw incomplete('it is not JSON');
  }
  const result = SCHEMA.safeParse(value, { reportInput: false });
  if (result.success) return result.data;
  const members = result.error.issues.map(({ path }) => path.join('.') || 'the whole file');
  throw incomplete(`missing or wrong: ${members.join(', ')}`);
}

const incomplete = (found: string): Problem =>
  new Problem('image_incomplete', {
    doing: "reading the image's appliance.json",
    found,
    expected: 'what the install script writes',
    example: `{"role":"superlink","flower":{"version":"${BAKED_FLOWER}","framework":"none"},"built":"2026-11-21T06:00:00Z"}`,
  });
