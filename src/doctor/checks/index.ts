// All checks, in the order of the report: what others need comes first.
import type { Check } from '../check.ts';
import { certificate, dates } from './certificates.ts';
import { data } from './data.ts';
import { fleet, keepalive, versions } from './flower.ts';
import { context, image, token } from './given.ts';
import { clock, disk } from './machine.ts';
import { oneGate, published } from './onegate.ts';
import { ports } from './ports.ts';
import { agent, units } from './service.ts';

export const CHECKS: readonly Check[] = [
  image,
  context,
  units,
  agent,
  token,
  oneGate,
  published,
  clock,
  fleet,
  ports,
  certificate,
  dates,
  keepalive,
  versions,
  disk,
  data,
];
