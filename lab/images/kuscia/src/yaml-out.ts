export type YamlValue = string | number | boolean | readonly string[] | YamlMap;
export interface YamlMap {
  readonly [key: string]: YamlValue | undefined;
}

// What a YAML 1.1 reader would not take for a string.
const notAString =
  /^(~|null|Null|NULL|[yn]|[YN]|yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF|<<)$|^[-+]?(0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*|\.(inf|Inf|INF)|(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?)$|^\.(nan|NaN|NAN)$|^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}/;
const needsQuotes = /^[-?:,[\]{}#&*!|>'"%@`\s]|: |:$| #|\s$/;

/** One scalar as Kuscia's YAML writer prints it: plain where it can be, double quotes for what would be read as something else. */
export function yamlScalar(value: string | number | boolean): string {
  if (typeof value !== 'string') return String(value);
  if (value === '' || notAString.test(value)) return `"${value}"`;
  // eslint-disable-next-line no-control-regex -- control characters are just what is looked for
  if (/[\u0000-\u001f\u007f]/.test(value)) return JSON.stringify(value);
  return needsQuotes.test(value) && !/^-[^\s]/.test(value) ? `'${value.replaceAll("'", "''")}'` : value;
}

/** A mapping as block YAML, two blanks an indent, keys in the order given; undefined values are left out. */
export function yamlBlock(map: YamlMap, indent = ''): string {
  return Object.entries(map)
    .filter((entry): entry is [string, YamlValue] => entry[1] !== undefined)
    .map(([key, value]) => {
      if (Array.isArray(value))
        return `${indent}${key}: ${value.length === 0 ? '[]' : value.map((item: string) => `\n${indent}- ${yamlScalar(item)}`).join('')}\n`;
      if (typeof value === 'object') return `${indent}${key}:\n${yamlBlock(value as YamlMap, `${indent}  `)}`;
      return `${indent}${key}: ${yamlScalar(value)}\n`;
    })
    .join('');
}
