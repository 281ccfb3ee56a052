// Shows what a slow step is doing. A terminal gets one line that counts the seconds; a log file gets a
// line when a step takes long and one when it is done.
const LOG_EVERY_SECONDS = 10;

/** Runs a step and prints its name with the seconds it took. */
export async function step(title, work) {
  const startedAt = performance.now();
  const seconds = () => ((performance.now() - startedAt) / 1000).toFixed(1);
  let ticks = 0;
  const timer = setInterval(() => {
    ticks += 1;
    if (process.stdout.isTTY) {
      process.stdout.write(`\r\x1b[K… ${title} ${ticks} s`);
    } else if (ticks % LOG_EVERY_SECONDS === 2) {
      console.log(`… ${title} ${ticks} s`);
    }
  }, 1000);
  try {
    const result = await work();
    finish(`✓ ${title} ${seconds()} s`);
    return result;
  } catch (error) {
    finish(`✗ ${title} ${seconds()} s`);
    throw error;
  } finally {
    clearInterval(timer);
  }
}

function finish(line) {
  console.log(process.stdout.isTTY ? `\r\x1b[K${line}` : line);
}
