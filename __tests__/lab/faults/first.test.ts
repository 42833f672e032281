import { tryFaults } from './rows.ts';

tryFaults(0);
