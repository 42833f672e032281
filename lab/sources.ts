/** One archive of the distribution itself, with the fields of apt's one-line format. */
export interface Source {
  uri: string;
  suite: string;
  components: string[];
  /** A path of a keyring, or the text of one. */
  signedBy?: string;
}

const ownComponents = new Set([
  'main',
  'contrib',
  'non-free',
  'non-free-firmware',
  'restricted',
  'universe',
  'multiverse',
]);

/**
 * The distribution's own entries of apt's source files: those of its suite, its updates and its security, whatever the mirror.
 * Those of third parties (engines, clouds, languages) are left out. `files` are contents by name, `.list` or `.sources`.
 */
export function distributionSources(files: Readonly<Record<string, string>>, codename: string): Source[] {
  const suites = new Set([codename, `${codename}-updates`, `${codename}-security`]);
  return Object.entries(files)
    .flatMap(([name, text]) =>
      name.endsWith('.sources') ? fromStanzas(text) : name.endsWith('.list') ? fromLines(text) : [],
    )
    .filter(
      ({ suite, signedBy }) =>
        suites.has(suite) &&
        (signedBy === undefined || /(debian|ubuntu)-archive/.test(signedBy) || signedBy.includes('BEGIN PGP')),
    )
    .map((source) => ({ ...source, components: source.components.filter((each) => ownComponents.has(each)) }))
    .filter(({ components }) => components.length > 0);
}

/** The source as a line of a `.list` file; a keyring given as text must be written to a file first. */
export function sourceLine({ uri, suite, components, signedBy }: Source): string {
  return ['deb', ...(signedBy === undefined ? [] : [`[signed-by=${signedBy}]`]), uri, suite, ...components].join(' ');
}

function fromLines(text: string): Source[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)\s+([^#]*)/.exec(line);
    if (match === null) return [];
    const [, options = '', uri = '', suite = '', components = ''] = match;
    const signedBy = /(?:^|\s)signed-by=(\S+)/i.exec(options)?.[1];
    return [{ uri, suite, components: words(components), ...(signedBy === undefined ? {} : { signedBy }) }];
  });
}

function fromStanzas(text: string): Source[] {
  const stanzas = text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .split(/\n\s*\n/);
  return stanzas.flatMap((stanza) => {
    const field = (name: string): string =>
      new RegExp(`^${name}:((?:.*)(?:\\n[ \\t].*)*)`, 'im').exec(stanza)?.[1]?.trim() ?? '';
    if (!words(field('Types')).includes('deb') || field('Enabled').toLowerCase() === 'no') return [];
    const signedBy = field('Signed-By');
    return words(field('URIs')).flatMap((uri) =>
      words(field('Suites')).map((suite) => ({
        uri,
        suite,
        components: words(field('Components')),
        ...(signedBy === '' ? {} : { signedBy }),
      })),
    );
  });
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
