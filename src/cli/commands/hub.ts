import { resolve } from 'node:path'
import { Option } from 'clipanion'
import type { Safety } from '../../project/gate.ts'
import { KittiwakeCommand, type Result, STREAMED } from '../command.ts'
import { portOption } from '../options.ts'
import { printJson, printText } from '../output.ts'

export class HubServeCommand extends KittiwakeCommand {
  static override paths = [['hub', 'serve']]
  static override usage = KittiwakeCommand.Usage({
    category: 'Hub',
    description: 'Serve a hub: it stores, acknowledges and fans out',
    details:
      'Binds to loopback unless `--host` says otherwise. It speaks no TLS itself: where a proxy does that for it, `--public-url` says by which URL others come; the proxy has to keep the Host header, or to send X-Forwarded-For. Ends on SIGINT or SIGTERM.',
    examples: [
      ['On a fixed port', 'kittiwake hub serve --port 4180'],
      ['Behind a proxy', 'kittiwake hub serve --port 4180 --public-url https://hub.example.org'],
    ],
  })

  host = Option.String('--host', '127.0.0.1', { description: 'Address to bind; default loopback' })
  port = Option.String('--port', '0', { description: 'Port; 0 takes a free one' })
  publicUrl = Option.String('--public-url', {
    description: 'By which URL others reach it through a proxy that speaks TLS',
  })
  data = Option.String('--data', { description: 'Data folder; default in the state directory' })

  // A hub's data is no project's.
  override get safety(): Safety {
    return 'safe'
  }

  protected override get streams(): boolean {
    return true
  }

  async run(): Promise<Result> {
    const port = portOption(this.port)
    const { serveHub } = await import('../../hub/server.ts')
    const dataDir = await dataDirectory(this.data, this.context.cwd)
    const { host, publicUrl } = this
    const hub = await serveHub({
      dataDir,
      host,
      port,
      ...(publicUrl === undefined ? {} : { publicUrl }),
    })
    const { stdout, signal } = this.context
    if (this.json) printJson(stdout, { ok: true, url: hub.url, port: hub.port })
    else printText(stdout, `Hub at ${hub.url}`)
    await untilAborted(signal)
    await hub.stop()
    return STREAMED
  }
}

/** The data folder of a hub: the one that was named, or the one in the state directory. */
export async function dataDirectory(option: string | undefined, cwd: string): Promise<string> {
  if (option !== undefined) return resolve(cwd, option)
  const { hubDataDirectory, stateDirectory } = await import('../../project/state-directory.ts')
  return hubDataDirectory(stateDirectory(process.env))
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) =>
    signal.addEventListener('abort', () => resolve(), { once: true }),
  )
}
