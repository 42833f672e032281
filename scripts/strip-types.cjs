// Jest's transformer for .ts: Node's own type stripping, which keeps every line and column in place.
const { createHash } = require('node:crypto');
const { readFileSync } = require('node:fs');
const { stripTypeScriptTypes } = require('node:module');

const self = readFileSync(__filename);

module.exports = {
  process: (source) => ({ code: stripTypeScriptTypes(source) }),
  getCacheKey: (source, path) =>
    createHash('sha256').update(self).update(process.version).update(path).update(source).digest('hex'),
};
