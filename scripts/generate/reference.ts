import { CHINESE, CHINESE_DERIVED } from '../../src/cluster/schema.zh.ts';
import type { SchemaNode } from './json-schema.ts';
import { table, type Language } from './table.ts';

/** One key of the cluster file. */
export interface Key {
  /** Its path; `*` stands for the name of a host. */
  readonly path: string;
  readonly node: SchemaNode;
  readonly required: boolean;
}

/** Every key of the schema, each section before its keys. */
export function keysOf(node: SchemaNode, above: readonly string[] = []): Key[] {
  const mappings = [node, ...(node.anyOf ?? [])];
  const named = mappings.flatMap(({ properties = {}, required = [] }) =>
    Object.entries(properties).flatMap(([name, child]) => {
      const path = [...above, name];
      return [{ path: path.join('.'), node: child, required: required.includes(name) }, ...keysOf(child, path)];
    }),
  );
  const any = typeof node.additionalProperties === 'object' ? keysOf(node.additionalProperties, [...above, '*']) : [];
  return [...named, ...any];
}

/** The reference of the cluster file: key, type, default and meaning. */
export function referenceTable(schema: SchemaNode, language: Language): string {
  const heads = { english: ['key', 'type', 'default', 'meaning'], chinese: ['键', '类型', '默认值', '含义'] }[language];
  const rows = keysOf(schema).map((key) => [
    `\`${key.path}\``,
    typeOf(key.node, language),
    defaultOf(key, language),
    language === 'english' ? (key.node.description ?? '') : (CHINESE[key.path] ?? ''),
  ]);
  return table(heads, rows);
}

const WORDS: Readonly<Record<string, Readonly<Record<Language, string>>>> = {
  object: { english: 'mapping', chinese: '映射' },
  array: { english: 'list of', chinese: '列表：' },
  string: { english: 'text', chinese: '文本' },
  integer: { english: 'integer', chinese: '整数' },
  boolean: { english: 'true or false', chinese: 'true 或 false' },
};

function typeOf(node: SchemaNode, language: Language): string {
  if (node.anyOf) return node.anyOf.map((one) => typeOf(one, language)).join(language === 'english' ? ' or ' : '或');
  if (node.enum) return node.enum.map((word) => `\`${word}\``).join(', ');
  const word = WORDS[node.type ?? '']?.[language] ?? node.type ?? '';
  return node.items ? `${word} ${typeOf(node.items, language)}` : word;
}

/** A section has no default of its own: its keys have. */
const DEFAULTS = new Set(['string', 'number', 'boolean']);

function defaultOf({ node, required }: Key, language: Language): string {
  if (required) return language === 'english' ? '(required)' : '（必填）';
  if (node.derived !== undefined)
    return language === 'english' ? node.derived : (CHINESE_DERIVED[node.derived] ?? node.derived);
  return DEFAULTS.has(typeof node.default) ? `\`${JSON.stringify(node.default).replace(/^"|"$/g, '')}\`` : '';
}
