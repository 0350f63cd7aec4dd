/** A command in this process: what it prints, and its exit code. For commands that start no thread of their own. */
import { PassThrough, Readable } from 'node:stream'
import { createCli } from '#dist/cli/run.js'

export type CliRan = {
  readonly code: number
  readonly out: string
  readonly err: string
  /** Of `--json`. */
  readonly document: Readonly<Record<string, unknown>>
}

export async function cliRun(
  cwd: string,
  args: readonly string[],
  input: string | Buffer = '',
  signal: AbortSignal = new AbortController().signal,
): Promise<CliRan> {
  const [out, err] = [new Printed(), new Printed()]
  const code = await createCli(args).run([...args], {
    cwd,
    signal,
    env: process.env,
    stdin: Readable.from([Buffer.from(input)]),
    stdout: out,
    stderr: err,
    colorDepth: 1,
  })
  const isDocument = args.includes('--json')
  const document = isDocument ? (JSON.parse(out.text) as CliRan['document']) : {}
  return { code, out: out.text, err: err.text, document }
}

class Printed extends PassThrough {
  text = ''

  constructor() {
    super()
    this.on('data', (chunk: Buffer) => (this.text += chunk.toString('utf8')))
  }
}
