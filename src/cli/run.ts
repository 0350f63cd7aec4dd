/** The program: which commands there are, and what becomes of words that none of them understands. */
import { Cli, type CommandClass } from 'clipanion'
import { errorDocument, EXIT, exitCodeOf, ProjectError } from '../errors.ts'
import { packageVersion } from '../project/program-files.ts'
import * as auth from './commands/auth.ts'
import * as bulkEdit from './commands/bulk-edit.ts'
import { CommitCommand } from './commands/commit.ts'
import * as decision from './commands/decision.ts'
import { ConformanceRunCommand } from './commands/conformance.ts'
import { DoctorCommand } from './commands/doctor.ts'
import { EmitCommand } from './commands/emit.ts'
import { EventsTypesCommand } from './commands/events.ts'
import { FocusCommand } from './commands/focus.ts'
import { GateCommand } from './commands/gate.ts'
import * as glossary from './commands/glossary.ts'
import * as hooks from './commands/hooks.ts'
import { HubMigrateCommand } from './commands/hub-migrate.ts'
import { HubServeCommand } from './commands/hub.ts'
import * as hubData from './commands/hub-data.ts'
import { HubRetainCommand } from './commands/hub-retain.ts'
import * as hubToken from './commands/hub-token.ts'
import * as hubWebhook from './commands/hub-webhook.ts'
import { InitCommand } from './commands/init.ts'
import { LogRepairCommand } from './commands/log.ts'
import { InspectCommand } from './commands/inspect.ts'
import { MachinesCommand } from './commands/machines.ts'
import { MergeDriverCommand } from './commands/merge-driver.ts'
import { MigrateEventsCommand } from './commands/migrate-events.ts'
import * as mission from './commands/mission.ts'
import * as queue from './commands/queue.ts'
import * as queueChange from './commands/queue-change.ts'
import { SchemaCommand } from './commands/schema.ts'
import { ReplayCommand } from './commands/replay.ts'
import * as status from './commands/status.ts'
import * as syncData from './commands/sync-data.ts'
import * as sync from './commands/sync.ts'
import * as background from './commands/sync-background.ts'
import { SyncRunCommand } from './commands/sync-run.ts'
import { ValidateCommand } from './commands/validate.ts'
import { UpgradeCommand } from './commands/upgrade.ts'
import { VersionCommand } from './commands/version.ts'
import * as wp from './commands/work-package.ts'
import type { Context } from './context.ts'
import { asksForHelp, helpText } from './help.ts'
import { printError, printJson, printText } from './output.ts'
import { refusalOf } from './refusal.ts'
import { printDebug, succeededWith } from './success.ts'

/** As long as the threads of a command may take to end. */
const REPORT_WITHIN_MS = 3_000

export const COMMANDS: readonly CommandClass<Context>[] = [
  InitCommand,
  GateCommand,
  UpgradeCommand,
  mission.MissionCreateCommand,
  mission.MissionListCommand,
  mission.MissionBranchContextCommand,
  EmitCommand,
  decision.DecisionRequestCommand,
  decision.DecisionAnswerCommand,
  decision.DecisionListCommand,
  decision.DecisionLogCommand,
  wp.WpCreateCommand,
  wp.WpMoveCommand,
  wp.WpListCommand,
  wp.WpHistoryCommand,
  FocusCommand,
  status.StatusCommand,
  status.StatusVerifyCommand,
  glossary.GlossaryObserveCommand,
  glossary.GlossaryRequestCommand,
  glossary.GlossaryResolveCommand,
  glossary.GlossaryListCommand,
  glossary.GlossaryVerifyCommand,
  bulkEdit.BulkEditPlanCommand,
  bulkEdit.BulkEditCheckCommand,
  bulkEdit.BulkEditExplainCommand,
  CommitCommand,
  hooks.HooksInstallCommand,
  hooks.HooksUninstallCommand,
  hooks.HooksStatusCommand,
  hooks.HooksRunCommand,
  MergeDriverCommand,
  LogRepairCommand,
  HubServeCommand,
  HubMigrateCommand,
  hubToken.HubTokenCreateCommand,
  hubToken.HubTokenListCommand,
  hubToken.HubTokenRotateCommand,
  hubToken.HubTokenRevokeCommand,
  hubWebhook.HubWebhookCreateCommand,
  hubWebhook.HubWebhookListCommand,
  hubWebhook.HubWebhookRevokeCommand,
  hubData.HubBackupCommand,
  hubData.HubRestoreCommand,
  hubData.HubVerifyCommand,
  hubData.HubExportCommand,
  hubData.HubDeleteCommand,
  HubRetainCommand,
  hubData.HubDeadLettersCommand,
  auth.AuthLoginCommand,
  auth.AuthStatusCommand,
  auth.AuthWhoamiCommand,
  auth.AuthDoctorCommand,
  auth.AuthLogoutCommand,
  sync.SyncOptInCommand,
  sync.SyncOptOutCommand,
  sync.SyncStatusCommand,
  sync.SyncNowCommand,
  syncData.SyncImportHistoryCommand,
  syncData.SyncPurgeCommand,
  SyncRunCommand,
  background.SyncStartCommand,
  background.SyncStopCommand,
  background.SyncRestartCommand,
  background.SyncLogsCommand,
  queue.QueueListCommand,
  queue.QueueStatsCommand,
  queue.QueueShowCommand,
  queueChange.QueueRetryCommand,
  queue.QueueExportCommand,
  queueChange.QueuePurgeCommand,
  queueChange.QueueGcCommand,
  ValidateCommand,
  EventsTypesCommand,
  SchemaCommand,
  ConformanceRunCommand,
  MigrateEventsCommand,
  ReplayCommand,
  InspectCommand,
  MachinesCommand,
  DoctorCommand,
  VersionCommand,
]

/**
 * The commands that these words may mean, registered under the name of the program; without words, and where the first
 * is no command's, all of them. A parser of all takes longer to make than most commands have to do.
 */
export function createCli([first]: readonly string[] = []): Cli<Context> {
  const cli = new Cli<Context>({ binaryName: 'kittiwake', binaryVersion: packageVersion() })
  // `gate` judges the words of any other command.
  const isMeant = ([word]: readonly string[]) => word === first && word !== 'gate'
  const meant = COMMANDS.filter(({ paths = [] }) => paths.some(isMeant))
  for (const command of meant.length > 0 ? meant : COMMANDS) cli.register(command)
  return cli
}

/** Runs one command as this process and answers its exit code. */
export async function run(args: readonly string[]): Promise<number> {
  const interruption = new AbortController()
  listenForSignals(interruption)
  endOnBrokenOutput()
  endOnBug(args)
  quietNode(args)
  const { signal } = interruption
  const context: Context = {
    ...Cli.defaultContext,
    signal,
    // Help needs none.
    get cwd() {
      return currentFolder()
    },
  }
  const code = await runIn(args, context)
  return signal.aborted ? EXIT.interrupted : code
}

/** Runs one command on these streams, in this folder; nothing of the process is touched but what the command does. */
export async function runIn(args: readonly string[], context: Context): Promise<number> {
  const cli = createCli(args)
  try {
    const help = asksForHelp(args) ? helpText(args, createCli().definitions()) : null
    if (help !== null) return showHelp(args, help, context)
    return await cli.run(await understood(cli, args, context), context)
  } catch (error) {
    return refuse(args, error, context)
  }
}

async function understood(cli: Cli<Context>, args: readonly string[], context: Context) {
  const { cwd } = context
  try {
    return cli.process([...args], context)
  } catch (error) {
    const refusal = refusalOf(args, error, createCli().definitions())
    // A newer program may know the word: where the project needs one, that is the reason to give.
    if (refusal.code === 'COMMAND_UNKNOWN') {
      const { passGate } = await import('../project/upgrade/gate.ts')
      await passGate(cwd)
    }
    throw refusal
  }
}

function showHelp(args: readonly string[], help: string, { stdout }: Context): number {
  if (args.includes('--json')) printJson(stdout, { ok: true, help })
  else printText(stdout, help)
  return EXIT.ok
}

function currentFolder(): string {
  try {
    return process.cwd()
  } catch (cause) {
    const hint = 'Change into a folder that is there.'
    throw new ProjectError('FOLDER_GONE', 'the current folder is gone', { hint, cause })
  }
}

/** The first signal lets the command finish what it holds; the second ends the process. */
function listenForSignals(interruption: AbortController): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (interruption.signal.aborted) process.exit(EXIT.interrupted)
      interruption.abort()
    })
  }
}

/** A reader that left is no failure to talk about; a full disk is. */
function endOnBrokenOutput(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') {
      printText(
        process.stderr,
        `kittiwake: the output can't be written (${error.code ?? 'unknown'})`,
      )
    }
    process.exit(EXIT.failed)
  })
  process.stderr.on('error', () => process.exit(EXIT.failed))
}

// Without this, Node prints the stack, and with it paths of this machine.
function endOnBug(args: readonly string[]): void {
  let isEnding = false
  process.on('uncaughtException', (error) => {
    // The first is told of.
    if (isEnding) return
    isEnding = true
    const done = succeededWith()
    if (done !== null) printDebug(process.stderr, errorDocument(error).error.message)
    endOncePrinted(done ?? refuse(args, error, process))
  })
}

/** A slow reader has not taken yet what was printed: an end at once would cut a line short, and lose the report behind it. */
function endOncePrinted(code: number): void {
  const streams = [process.stdout, process.stderr]
  const end = (): void => {
    if (streams.every(({ writableLength }) => writableLength === 0)) process.exit(code)
  }
  end()
  for (const stream of streams) {
    stream.write('', end)
    // The command goes on meanwhile, and nothing that it says may follow the report.
    stream.write = () => false
  }
  setTimeout(() => process.exit(code), REPORT_WITHIN_MS)
}

/** What Node itself warns of is for who builds programs; a reader of both streams finds the document alone. */
function quietNode(args: readonly string[]): void {
  if (!args.includes('--json')) return
  process.removeAllListeners('warning')
  process.on('warning', ({ name }) => printDebug(process.stderr, `a warning of Node: ${name}`))
}

function refuse(
  args: readonly string[],
  error: unknown,
  { stdout, stderr }: Pick<Context, 'stdout' | 'stderr'>,
): number {
  if (args.includes('--json')) printJson(stdout, errorDocument(error))
  else printError(stderr, error)
  return exitCodeOf(error)
}
