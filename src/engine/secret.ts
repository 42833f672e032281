const values = new WeakMap<Secret, string>();

/** A value that must never be printed. Printing it shows `***`; only `reveal` returns the value. */
export class Secret {
  /** What the secret is, in words: `database password`. */
  readonly name: string;

  constructor(name: string, value: string) {
    this.name = name;
    values.set(this, value);
  }

  /** The value itself, for standard input or a file of mode 0600, nowhere else. */
  reveal(): string {
    return values.get(this) ?? '';
  }

  /** The same secret, followed by text that is not secret. */
  followedBy(text: string): Secret {
    return new Secret(this.name, this.reveal() + text);
  }

  toString(): string {
    return '***';
  }

  toJSON(): string {
    return '***';
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Secret(${this.name})`;
  }
}

/**
 * Placeholder for a secret that was not given because nothing in this run needs it. Reading it throws, so that a bug
 * cannot use an empty password.
 */
export class UnusedSecret extends Secret {
  constructor(name: string) {
    super(name, '');
  }

  override reveal(): string {
    throw new Error(`the ${this.name} was not given, because no selected stage should need it`);
  }
}

/** Length of the shortest text that is masked as a form of a secret; masking shorter ones would hide ordinary words. */
export const SHORTEST_MASK = 4;

/**
 * Every form in which the secret could appear in printed text: plain, by line, base64, hex, URL-, JSON-, YAML- and
 * shell-quoted. Longest first.
 */
export function printedForms(secret: Secret): string[] {
  const value = secret.reveal();
  const lines = value.split(/\r?\n/).map((line) => line.trim());
  const whole = [value, value.trim(), ...(lines.length > 1 ? lines.filter((line) => line.length >= 16) : [])];
  const forms = whole.flatMap((text) => [
    text,
    ...base64Forms(text),
    ...hexForms(text),
    ...urlForms(text),
    ...jsonForms(text),
    ...quotedForms(text),
  ]);
  return [...new Set(forms)].filter((form) => form.length >= SHORTEST_MASK).sort((a, b) => b.length - a.length);
}

function hexForms(text: string): string[] {
  const hex = Buffer.from(text, 'utf8').toString('hex');
  return [hex, hex.toUpperCase()];
}

/** As JavaScript and Go escape it (RFC 3986), with hex digits in either case, and as HTML forms do. */
function urlForms(text: string): string[] {
  const loose = encodeURIComponent(text.toWellFormed());
  const strict = loose.replace(/[!'()*]/g, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`);
  return [loose, strict]
    .flatMap((form) => [form, form.replace(/%../g, (each) => each.toLowerCase())])
    .flatMap((form) => [form, form.replaceAll('%20', '+')]);
}

/**
 * As JavaScript, Go (which escapes it for HTML) and ASCII-only encoders write it; double-quoted YAML is much the same.
 */
function jsonForms(text: string): string[] {
  const unicode = (each: string): string => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`;
  const json = JSON.stringify(text).slice(1, -1);
  return [
    json,
    json.replaceAll('/', '\\/'),
    json.replace(/[<>&\u2028\u2029]/g, unicode),
    json.replace(/[^\x20-\x7e]/g, unicode),
  ];
}

/**
 * As a shell quotes it: in single quotes, in double quotes, with backslashes (`printf %q`) and as `$'...'`; and as YAML
 * does in single quotes.
 */
function quotedForms(text: string): string[] {
  const doubled = text.replaceAll('\\', '\\\\');
  const escaped = doubled.replaceAll('\n', '\\n').replaceAll('\t', '\\t');
  return [
    text.replaceAll("'", `'\\''`),
    text.replaceAll("'", `'"'"'`),
    text.replaceAll("'", "''"),
    text.replace(/["$`\\]/g, '\\$&'),
    text.replace(/[^\w@%+:,./\n\x80-\u{10ffff}-]/gu, '\\$&'),
    escaped.replaceAll("'", "\\'"),
    escaped.replaceAll('"', '\\"'),
  ];
}

/** Base64 of the text at each of its three alignments, without the characters that depend on the surrounding text. */
function base64Forms(text: string): string[] {
  const bytes = Buffer.from(text, 'utf8');
  const shifted = [0, 1, 2].map((shift) => {
    const encoded = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    const head = shift === 0 ? 0 : shift + 1;
    const tail = (shift + bytes.length) % 3 === 0 ? 0 : 1;
    return encoded.slice(head, encoded.length - tail);
  });
  const plain = bytes.toString('base64');
  const forms = [plain, plain.replace(/=+$/, ''), ...shifted];
  return [...forms, ...forms.map((form) => form.replaceAll('+', '-').replaceAll('/', '_'))];
}
