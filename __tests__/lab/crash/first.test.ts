import { tryPoints } from './points.ts';

tryPoints(0);
