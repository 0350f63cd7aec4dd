/** A command in this process: for what neither starts threads that matter nor ends by signals. */
import { Readable, Writable } from 'node:stream'
import { createCli } from '#dist/cli/run.js'

export type CliEnd = { readonly code: number; readonly out: string; readonly err: string }

export async function runCli(
  cwd: string,
  args: readonly string[],
  signal: AbortSignal = new AbortController().signal,
): Promise<CliEnd> {
  const [out, err] = [new Kept(), new Kept()]
  const code = await createCli().run([...args], {
    env: process.env,
    colorDepth: 1,
    stdin: Readable.from([]),
    stdout: out,
    stderr: err,
    cwd,
    signal,
  })
  return { code, out: out.text, err: err.text }
}

class Kept extends Writable {
  text = ''
  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.text += chunk.toString('utf8')
    done()
  }
}
