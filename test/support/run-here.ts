/** A command of the program, run to its end in this process. */
import { Readable, Writable } from 'node:stream'
import { runIn } from '#dist/cli/run.js'
import { type Document, type Ended, endedOf, type Place } from './program.ts'
import type { RawEnd } from './raw-run.ts'

/** They start a process when this one exits, or end it by themselves. */
const OWN_PROCESS = /^(?:sync (?:start|restart|stop)|hooks run)\b/

/** Commands look at the environment of their process, so that there is one of them at a time. */
let last: Promise<unknown> = Promise.resolve()

/** Whether the command does in this process what it does in one of its own. */
export function canRunHere({ env }: Place, args: readonly string[]): boolean {
  if (env['KITTIWAKE_AUTO_START'] !== '0' || OWN_PROCESS.test(args.join(' '))) return false
  return Object.keys(env).every(
    (name) => !name.startsWith('NODE_') || env[name] === process.env[name],
  )
}

/** As `run` of `program.ts` does it in a process. */
export async function runHere(place: Place, args: readonly string[], input = ''): Promise<Ended> {
  const { code, out, err } = await rawHere(place, [...args, '--json'], input)
  const lines = out.split('\n').filter((line) => line !== '')
  return endedOf(
    code,
    lines.map((line) => JSON.parse(line) as Document),
    err,
  )
}

/** As `rawRun` of `raw-run.ts` does it in a process. */
export function rawHere(place: Place, args: readonly string[], input = ''): Promise<RawEnd> {
  const ran = last.then(() => within(place.env, () => runAt(place.cwd, args, input)))
  last = ran.catch(() => undefined)
  return ran
}

async function runAt(cwd: string, args: readonly string[], input: string): Promise<RawEnd> {
  const [out, err] = [new Printed(), new Printed()]
  const code = await runIn(args, {
    cwd,
    env: process.env,
    signal: new AbortController().signal,
    stdin: Readable.from([Buffer.from(input)]),
    stdout: out,
    stderr: err,
    colorDepth: 1,
  })
  return { code, out: out.text, err: err.text }
}

/** Works with another environment, and puts this one back. */
async function within<Value>(env: NodeJS.ProcessEnv, work: () => Promise<Value>): Promise<Value> {
  const before = { ...process.env }
  become(env)
  try {
    return await work()
  } finally {
    become(before)
  }
}

function become(env: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(process.env)) if (env[name] === undefined) delete process.env[name]
  for (const [name, value] of Object.entries(env))
    if (value !== undefined) process.env[name] = value
}

class Printed extends Writable {
  text = ''

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.text += chunk.toString('utf8')
    done()
  }
}
