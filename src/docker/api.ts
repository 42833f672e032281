import type { z } from 'zod';
import { failedTo, type Fact, type Query } from '../engine/fact.ts';
import { jsonOf, shaped } from '../engine/json.ts';
import type { Exited } from '../engine/outcome.ts';
import { requesting } from '../engine/request.ts';

/**
 * Connects with the engine that docker's client would talk to, whatever its socket, context and rights. Part of every
 * client since 18.09. Source: docker/cli, cli/command/system/dial_stdio.go.
 */
const DIAL = ['docker', 'system', 'dial-stdio'];

/** Exit code of shells if a program does not exist (POSIX). */
export const NO_PROGRAM = 127;

/**
 * Whether the engine says that the thing does not exist; any other 404 may be the answer of something else. Source:
 * moby, "No such container: NAME", "No such image: NAME".
 */
export const isMissing = ({ status, stderr }: Exited): boolean =>
  status === 404 && /^no such (?:container|image)\b/i.test(stderr);

/**
 * A request to the engine's API, in the version that the engine itself speaks: what is read has had the same name since
 * 1.41. Of the answer, only what the shape names is kept. Source: docs.docker.com, "Docker Engine API".
 */
export const engineQuery = <R, T>(
  purpose: string,
  path: string,
  shape: z.ZodType<R>,
  read: (answer: R, outcome: Exited) => Fact<T>,
): Query<T> => ({
  command: requesting(purpose, { path, through: DIAL, kept: (body) => shaped(body, shape) }),
  read: (outcome) => (outcome.code === 0 ? read(jsonOf(outcome.stdout, shape), outcome) : failedTo(purpose, outcome)),
});
