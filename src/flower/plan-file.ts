// The launch plan of this boot, for commands that ask how Flower was started.

import { readText } from '../host/files.ts';
import type { Machine } from '../host/machine.ts';
import { type LaunchPlan, launchPlanSchema } from './plan.ts';

/** What follows an option in the launch plan. */
export function argumentOf({ argv }: LaunchPlan, option: string): string | undefined {
  const at = argv.indexOf(option);
  return at === -1 ? undefined : argv[at + 1];
}

/** The launch plan of this boot; undefined when there is none that can be read. */
export function readPlan({ paths }: Machine): LaunchPlan | undefined {
  const text = readText(paths.plan);
  if (text === undefined) return undefined;
  try {
    return launchPlanSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
