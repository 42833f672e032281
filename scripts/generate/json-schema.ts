import { z } from 'zod';
import { clusterSchema } from '../../src/cluster/schema.ts';

/** A part of the cluster file's schema, as far as the generators read it. */
export interface SchemaNode {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  /** A default that depends on other keys, in words; not a word of JSON Schema, and not in the written file. */
  readonly derived?: string;
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: boolean | SchemaNode;
  readonly required?: readonly string[];
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
}

/** The schema of the cluster file as editors use it: draft 7, for the file as written. */
export const clusterFileSchema = (): SchemaNode =>
  z.toJSONSchema(clusterSchema, { io: 'input', target: 'draft-7' }) as SchemaNode;

/** The text of schema/cluster.schema.json. */
export function schemaText(): string {
  const { $schema, ...rest } = forEditors(clusterFileSchema()) as Record<string, unknown>;
  return `${JSON.stringify({ $schema, title: 'kuscia-swarm cluster file', ...rest }, null, 2)}\n`;
}

/** Without our own keywords, and without the empty defaults of sections, which editors would insert. */
function forEditors(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(forEditors);
  if (typeof node !== 'object' || node === null) return node;
  const { derived, ...rest } = node as SchemaNode & Record<string, unknown>;
  const entries = Object.entries(rest).filter(([key, value]) => !(key === 'default' && JSON.stringify(value) === '{}'));
  const plain = Object.fromEntries(entries.map(([key, value]) => [key, forEditors(value)]));
  return derived === undefined ? plain : { ...plain, description: `${rest.description ?? ''} Default: ${derived}.` };
}
