/**
 * `idc/drivers/kit/testing`: `testDriver` runs any driver made with the kit over every transport
 * and in the simulation. Re-exports only.
 */
export { testDriver, type DriverUnderTest } from './test-driver.js';
export type { BackSite, FrontSite, WorkSite } from './driver-under-test.js';
