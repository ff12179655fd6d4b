/** Drivers made with the kit, run by its own test kit, with every kind of recovery. */
import { testDriver } from 'idc/drivers/kit/testing';
import { counterDriver, makeRegisterDriver } from './test-drivers.js';

testDriver(counterDriver);
testDriver(makeRegisterDriver(({ journal }) => ({ kind: 'table', journal }), 2));
testDriver(makeRegisterDriver(({ journal }) => ({ kind: 'lease', journal, absentMs: 500 }), 1));
