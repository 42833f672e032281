/** What renders compiled templates: Handlebars without its compiler, which its own types leave out. */
declare module 'handlebars/dist/cjs/handlebars.runtime.js' {
  import type Handlebars from 'handlebars';
  const runtime: Pick<typeof Handlebars, 'create' | 'template'>;
  export default runtime;
}
