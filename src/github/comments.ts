import type { Api } from './api.ts';
import { isMarked } from './markdown.ts';

/** The parts of an issue or pull request comment that are used here. */
export interface Comment {
  readonly id: number;
  readonly body?: string | undefined;
  readonly html_url: string;
  readonly author_association: string;
  readonly user: { readonly type: string } | null;
}

/** All comments, oldest first. */
export async function commentsOn({ paginate, rest, place: { owner, repo } }: Api, issue: number): Promise<Comment[]> {
  return paginate(rest.issues.listComments, { owner, repo, issue_number: issue, per_page: 100 });
}

/** Adds a comment once: if the outcome is unknown, searches for its mark first. */
export async function comment(api: Api, issue: number, mark: string, text: string): Promise<Comment> {
  const { owner, repo } = api.place;
  return api.once<Comment>(
    async () =>
      (await api.rest.issues.createComment({ owner, repo, issue_number: issue, body: `${mark}\n${text}` })).data,
    async () => (await commentsOn(api, issue)).find(({ body }) => isMarked(body, mark)),
  );
}
