/** A command in this process: for what neither starts threads that matter nor ends by signals. */
import { Readable, Writable } from 'node:stream'
import { createCli } from '#dist/cli/run.js'

export type CliEnd = { readonly code: number; readonly out: string; readonly err: string }

/** `told` hears what is printed on stdout as it comes. */
export async function runCli(
  cwd: string,
  args: readonly string[],
  signal: AbortSignal = new AbortController().signal,
  told: (text: string) => unknown = () => undefined,
): Promise<CliEnd> {
  const [out, err] = [new Kept(told), new Kept(() => undefined)]
  const code = await createCli(args).run([...args], {
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
  readonly #told: (text: string) => unknown

  constructor(told: (text: string) => unknown) {
    super()
    this.#told = told
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    const text = chunk.toString('utf8')
    this.text += text
    this.#told(text)
    done()
  }
}
