/**
 * An image's name as docker lists it: without the default registry, with the default tag; of name:tag@digest, without
 * the tag.
 */
export function localName(name: string): string {
  const short = name.replace(/^(index\.)?docker\.io\//, '').replace(/^library\//, '');
  const [repository = '', digest] = short.split('@');
  if (digest !== undefined) return `${repository.replace(/:[^:/]+$/, '')}@${digest}`;
  return /:[^:/]+$/.test(short) ? short : `${short}:latest`;
}
