/** Runs a program as a user's shell would, knowing nothing of npm or of the test around it. */
import { execFile } from 'node:child_process';

/** Resolves with standard output; rejects with everything the program said if it failed. */
export function runProgram(
  command: string,
  words: readonly string[],
  folder: string,
): Promise<string> {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_)/.test(name)),
  );
  return new Promise((resolve, reject) => {
    execFile(command, words, { cwd: folder, env }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${error.message}\n${stdout}\n${stderr}`));
    });
  });
}
