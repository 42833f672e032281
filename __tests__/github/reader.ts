import { fromMarkdown } from 'mdast-util-from-markdown';
import { gfmFromMarkdown } from 'mdast-util-gfm';
import { gfm } from 'micromark-extension-gfm';

/** A node of the tree that GitHub's grammar reads. */
export interface Node {
  readonly type: string;
  readonly value?: string;
  readonly url?: string;
  readonly children?: readonly Node[];
}

/** The Markdown as a tree. */
export const tree = (markdown: string): Node =>
  fromMarkdown(markdown, { extensions: [gfm()], mdastExtensions: [gfmFromMarkdown()] });

/** Every node, from the top. */
export const nodes = (node: Node): Node[] => [node, ...(node.children ?? []).flatMap(nodes)];

/** The tree without its texts: only the nesting. */
export const shape = (node: Node): unknown => (node.children ? [node.type, ...node.children.map(shape)] : node.type);

/** Every text outside code, as GitHub searches it for names and numbers: escapes and entities are gone by then. */
export const texts = (all: readonly Node[]): string[] =>
  all.flatMap(({ type, value }) => (type === 'text' && value !== undefined ? [value] : []));

/** Text that GitHub turns into a mention, a reference or a link, outside of links. */
export const LIVE = /@[a-z\d]|#\d|\bgh-\d|(?:https?|ftp):\/\/|\bwww\./i;
