const common = {
  rootDir: import.meta.dirname,
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/scripts/strip-types.cjs' },
};

/** `unit` and `slow` need nothing but Node, and `slow` much of the machine; `lab` needs root and the lab's hosts, one file at a time. */
export default {
  // Only for what hangs: how long a test takes on a busy machine says nothing.
  testTimeout: 20_000,
  projects: [
    {
      ...common,
      displayName: 'unit',
      testMatch: ['<rootDir>/__tests__/**/*.test.ts'],
      testPathIgnorePatterns: ['/node_modules/', '<rootDir>/__tests__/lab/', '\\.slow\\.test\\.ts$'],
    },
    { ...common, displayName: 'slow', testMatch: ['<rootDir>/__tests__/**/*.slow.test.ts'] },
    { ...common, displayName: 'lab', testMatch: ['<rootDir>/__tests__/lab/**/*.test.ts'] },
  ],
};
