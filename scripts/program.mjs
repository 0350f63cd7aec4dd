// The built program as child processes, for the first run: short commands, and ones that stay up.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { root } from './prepare.mjs'

const main = join(root, 'dist/cli/main.js')

/**
 * Runs one command to its end; answers its exit code and its JSON document. One that serves is told to end by its first word.
 * `filesMax` is how many files it may hold open, `memoryMax` how much memory it may address, in KiB, each by a limit of the system.
 */
export async function kittiwake(cwd, env, args, { input = '', isServing = false, ...limits } = {}) {
  const [program, ...given] = [...limitedBy(limits), process.execPath, main, ...args, '--json']
  const child = spawn(program, given, { cwd, env, stdio: 'pipe' })
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  if (isServing) child.stdout.once('data', () => child.kill())
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended(child)])
  const documents = out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
  return { code, documents, document: documents[0], err }
}

function limitedBy({ filesMax, memoryMax }) {
  if (filesMax !== undefined) return ['sh', '-c', `ulimit -n ${filesMax}; exec "$@"`, 'sh']
  return memoryMax === undefined ? [] : ['sh', '-c', `ulimit -v ${memoryMax}; exec "$@"`, 'sh']
}

/** Starts a command that stays up; `lines` is what it prints, parsed. */
export function start(cwd, env, args) {
  const child = spawn(process.execPath, [main, ...args, '--json'], {
    cwd,
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdin.on('error', () => undefined)
  const lines = createInterface({ input: child.stdout })
  return { child, lines, ended: ended(child) }
}

/** The first printed document that `wanted` accepts; rejects when the program ends before. */
export function document(program, wanted, timeoutMs = 20_000) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the program said nothing in time')), timeoutMs)
    const settle = (end, value) => {
      clearTimeout(timer)
      program.lines.off('line', look)
      end(value)
    }
    const look = (line) => {
      const value = JSON.parse(line)
      if (wanted(value)) settle(resolve, value)
    }
    program.lines.on('line', look)
    program.ended.then((code) => settle(reject, new Error(`the program ended with ${code}`)))
  })
}

export async function stop(program, signal = 'SIGINT') {
  if (program.child.exitCode === null && program.child.signalCode === null)
    program.child.kill(signal)
  return program.ended
}

async function text(stream) {
  let all = ''
  stream.setEncoding('utf8')
  for await (const chunk of stream) all += chunk
  return all
}

function ended(child) {
  return new Promise((resolve) => child.once('close', (code, signal) => resolve(code ?? signal)))
}
