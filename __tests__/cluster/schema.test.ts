import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { CHINESE, CHINESE_DERIVED } from '../../src/cluster/schema.zh.ts';
import { actionText, inputTable } from '../../scripts/generate/action.ts';
import { GENERATED } from '../../scripts/generate/files.ts';
import { clusterFileSchema, schemaText, type SchemaNode } from '../../scripts/generate/json-schema.ts';
import { keysOf, referenceTable } from '../../scripts/generate/reference.ts';
import { fillBlock } from '../../scripts/generate/table.ts';

const keys = keysOf(clusterFileSchema());

describe('the schema documents the cluster file', () => {
  test('every key is described in both languages, and nothing else is translated', () => {
    expect(keys.filter(({ node }) => !node.description?.endsWith('.')).map(({ path }) => path)).toEqual([]);
    expect(Object.keys(CHINESE).sort()).toEqual(keys.map(({ path }) => path).sort());
    expect(Object.values(CHINESE).filter((text) => !/\p{Script=Han}.*。$/u.test(text))).toEqual([]);
  });

  test('every key is required, or has a default, or is a section that may be left out', () => {
    const without = keys.filter(
      ({ node, required }) => !required && node.default === undefined && node.derived === undefined,
    );
    expect(without.map(({ path }) => path)).toEqual(['database.external', 'registry']);
  });

  test('every derived default is given in Chinese: as code, or in words of the table', () => {
    const derived = keys.flatMap(({ node }) => node.derived ?? []);
    expect(derived.filter((text) => !/^`[^`]+`$/.test(text) && CHINESE_DERIVED[text] === undefined)).toEqual([]);
  });

  test('the table has one line for each key, none with an empty meaning', () => {
    for (const language of ['english', 'chinese'] as const) {
      const lines = referenceTable(clusterFileSchema(), language).split('\n').slice(2);
      expect(lines).toHaveLength(keys.length);
      expect(lines.filter((line) => / \| *\|$/.test(line))).toEqual([]);
    }
  });
});

describe('the JSON Schema for editors', () => {
  const schema = JSON.parse(schemaText()) as SchemaNode & Record<string, unknown>;

  const nodes = (node: unknown): SchemaNode[] =>
    typeof node === 'object' && node !== null ? [node, ...Object.values(node).flatMap(nodes)] : [];

  test('refuses unknown keys in every mapping', () => {
    const mappings = nodes(schema).filter(({ properties, type }) => type === 'object' && properties !== undefined);
    expect(mappings.length).toBeGreaterThan(8);
    expect(mappings.filter(({ additionalProperties }) => additionalProperties !== false)).toEqual([]);
  });

  test('has the draft, required keys, words and defaults, and none of our own keywords', () => {
    expect(schema['$schema']).toBe('http://json-schema.org/draft-07/schema#');
    expect(schema.required).toEqual(['domain', 'image', 'hosts']);
    expect(schema.properties?.['protocol']).toMatchObject({ enum: ['NOTLS', 'TLS', 'MTLS'], default: 'MTLS' });
    expect(schema.properties?.['ports']?.properties?.['gateway']).toMatchObject({
      type: 'integer',
      minimum: 1,
      maximum: 65535,
      default: 20000,
    });
    expect(schema.properties?.['directory']?.description).toContain('Default: `kuscia-swarm/<domain>`.');
    expect(schemaText()).not.toContain('"derived"');
    expect(schemaText()).not.toContain('"default": {}');
  });

  test('its patterns accept the examples', () => {
    const pattern = (path: string): RegExp =>
      new RegExp((keys.find((key) => key.path === path)?.node as { pattern?: string } | undefined)?.pattern ?? '(?!)');
    for (const text of [
      'nginx:1.26',
      'mysql:8.0',
      'secretflow/kuscia:1.1.0b0',
      `r.example.org:5000/a/b@sha256:${'0'.repeat(64)}`,
    ])
      expect(text).toMatch(pattern('image'));
    for (const text of ['secretflow/kuscia', 'nginx']) expect(text).not.toMatch(pattern('image'));
    for (const text of ['10.0.0.11', 'a.example.org']) expect(text).toMatch(pattern('hosts.*.address'));
    for (const text of ['8GiB', '8 G', '2048MiB', '1.5t']) expect(text).toMatch(pattern('memory'));
    expect('8').not.toMatch(pattern('memory'));
  });
});

describe('generated files', () => {
  test.each(GENERATED.map(({ path }) => path))('%s is up to date', (path) => {
    const now = readFileSync(path, 'utf8');
    expect(GENERATED.find((file) => file.path === path)?.text(now)).toBe(now);
  });

  test('a block is filled and its surroundings are kept', () => {
    const page = 'before\n<!-- generated: x -->\nold\n<!-- end: x -->\nafter\n';
    expect(fillBlock(page, 'x', 'new')).toBe(page.replace('old', 'new'));
    expect(() => fillBlock(page, 'y', 'new')).toThrow('no block');
  });

  test('a stale page is detected', () => {
    for (const generated of GENERATED) {
      const now = readFileSync(generated.path, 'utf8');
      const block = /<!-- generated: \S+ -->\n/.exec(now)?.[0] ?? '';
      const stale = now.replace(block, `${block}stale`);
      expect(stale).not.toBe(now);
      expect(generated.text(stale)).not.toBe(stale);
    }
  });

  test('the action has what GitHub requires', () => {
    expect(actionText()).toMatch(/runs:\n {2}using: node24\n {2}main: dist\/index\.cjs\n$/);
    expect(inputTable('chinese')).toContain('`cluster` | 总是');
  });
});
