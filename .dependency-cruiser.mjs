/**
 * Import direction: core knows no medium, a transport knows only the contract, and everything above
 * uses the package as its users do. `npm run lint` runs this over all sources.
 */
const contractFiles =
  '^core/(transport|deaf-sink|bulk-lane|shared-memory|errors|assert|runtime|address)[.]ts$';
const coreLeaves = '^core/(endpoint-machine|frame|quota|errors|assert)[.]ts$';

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: 'resolvable',
      comment: 'Every import leads somewhere.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-cycles',
      comment: 'Two files that run each other are one, or a third is missing. Types may be mutual.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'core-knows-no-medium',
      comment: 'Core imports core alone; rxjs and node:* have a file each (below).',
      severity: 'error',
      from: { path: '^core/' },
      to: { pathNot: ['^core/', '^node_modules/rxjs/'], dependencyTypesNot: ['core'] },
    },
    {
      name: 'core-touches-node-in-runtime-only',
      comment: 'Time, scheduling and randomness reach core through runtime.ts.',
      severity: 'error',
      from: { path: '^core/', pathNot: '^core/(runtime|digest)[.]ts$' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'digests-compute-only',
      comment:
        'core/digest.ts is the same everywhere: it takes nothing of the platform but digests.',
      severity: 'error',
      from: { path: '^core/digest[.]ts$' },
      to: { pathNot: '^(node:)?crypto$' },
    },
    {
      name: 'rxjs-in-observables-only',
      comment: 'rxjs is for the surface: core/observables.ts, and nowhere below it.',
      severity: 'error',
      from: { path: '^(core|transports)/', pathNot: '^core/observables[.]ts$' },
      to: { path: '^node_modules/rxjs/' },
    },
    {
      name: 'core-leaves',
      comment: 'The machine, frames, quotas, errors and assert are built on each other at most.',
      severity: 'error',
      from: { path: coreLeaves },
      to: { pathNot: coreLeaves },
    },
    {
      name: 'transport-sees-the-contract-only',
      comment: 'A transport imports itself, node:* and the contract files of core.',
      severity: 'error',
      from: { path: '^transports/([^/]+)/' },
      to: {
        pathNot: ['^transports/$1/', contractFiles],
        dependencyTypesNot: ['core'],
      },
    },
    {
      name: 'users-use-public-names',
      comment: 'Drivers, the command and examples import the package as its users do.',
      severity: 'error',
      from: { path: '^(drivers|cli|examples)/' },
      to: { path: '^(core|transports|test)/' },
    },
    {
      name: 'no-import-from-dist',
      comment: 'Only a public name may lead into dist.',
      severity: 'error',
      from: {},
      to: { path: '^dist/', dependencyTypes: ['local'] },
    },
    {
      name: 'examples-stand-alone',
      comment: 'An example or a driver is read without its neighbours.',
      severity: 'error',
      from: { path: '^(drivers|examples)/([^/]+)/' },
      to: { path: '^(drivers|cli|examples)/', pathNot: '^$1/$2/' },
    },
    {
      name: 'cli-stands-alone',
      comment: 'The command uses public names, not the folders beside it.',
      severity: 'error',
      from: { path: '^cli/' },
      to: { path: '^(drivers|examples)/' },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', '^dist/'] },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    builtInModules: { add: ['node:test', 'node:test/reporters', 'node:sqlite'] },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      mainFields: ['module', 'main', 'types'],
    },
  },
};
