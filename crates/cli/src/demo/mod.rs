//! `tieline demo`: one order on its way, over real sockets, with real signatures and databases on disk.

mod charger;
mod conversation;
mod setting;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use tieline_edge::SystemClock;
use tieline_node::{Config, Environment, Node, RandomIds};
use tieline_types::Clock as _;
use tokio::sync::mpsc;

use charger::{Charger, Fitted};
use conversation::Conversation;
use setting::Setting;

/// The demo fails if it takes longer; it takes about two seconds.
const AT_MOST: Duration = Duration::from_secs(30);

/// How often the journals are read.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Keep keys, configurations and databases in this new directory, to look at them afterwards.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

impl Demo {
    pub(crate) fn execute(&self) -> anyhow::Result<()> {
        crate::run::runtime()?.block_on(async {
            match tokio::time::timeout(AT_MOST, self.show()).await {
                Ok(shown) => shown,
                Err(_) => bail!("the order did not arrive within {} s", AT_MOST.as_secs()),
            }
        })
    }

    async fn show(&self) -> anyhow::Result<()> {
        let kept = self.keep.clone();
        let temporary = tempfile::tempdir().context("can't make a temporary directory")?;
        let directory = kept.unwrap_or_else(|| temporary.path().to_owned());
        let setting = Setting::prepare(directory, SystemClock.now())?;
        println!("{setting}");

        let agr = start(&setting.agr_config()).await.context("the AGR")?;
        let (fitted, mut fittings) = mpsc::channel(setting::CHARGERS.len());
        let mut chargers = Vec::new();
        for plan in &setting::CHARGERS {
            chargers.push(Charger::plug_in(plan, setting.ocpp_address(), fitted.clone()).await?);
        }
        println!("  {} chargers are connected, each with a car that charges\n", chargers.len());

        let dso = start(&setting.dso_config()).await.context("the DSO")?;
        let mut conversation = Conversation::between(Arc::clone(dso.store()), Arc::clone(agr.store()));
        let mut told: Vec<Fitted> = Vec::new();
        while told.len() < chargers.len() || !conversation.is_over() {
            // What chargers were told is taken before the journals: whatever led to it is in them by then.
            tokio::time::sleep(LOOK_AGAIN).await;
            let mut news = Vec::new();
            while let Ok(fitting) = fittings.try_recv() {
                news.push((fitting.at, fitting.to_string()));
                told.push(fitting);
            }
            news.extend(conversation.news().await?);
            news.sort_by_key(|(at, _)| *at);
            for (_, sentence) in news {
                println!("{sentence}");
            }
        }
        setting.check(&told)?;
        for charger in chargers {
            charger.unplug().await;
        }
        println!();
        for (name, node) in [("DSO", dso), ("AGR", agr)] {
            let store = Arc::clone(node.store());
            node.stop().await;
            println!("  journal of the {name}: {}", crate::journal::verified(&*store).await?);
        }
        if let Some(kept) = &self.keep {
            println!(
                "\n  kept in {}; try: tieline journal show --data {}",
                kept.display(),
                kept.join("agr").display()
            );
        }
        Ok(())
    }
}

async fn start(config: &std::path::Path) -> anyhow::Result<Node> {
    let config = Config::read(config)?;
    let environment = Environment { clock: Arc::new(SystemClock), ids: Arc::new(RandomIds) };
    Ok(Node::start(config, environment).await?)
}
