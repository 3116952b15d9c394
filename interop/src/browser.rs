//! Chromium without a screen.

use std::collections::BTreeSet;
use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::document::Document;

/// What the browser is called on different systems.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

/// How long a page may take. It takes about a second; a machine that builds something else meanwhile needs more.
const PATIENCE: Duration = Duration::from_mins(2);

/// A headless Chromium that talks to nobody.
#[derive(Clone, Debug)]
pub struct Browser(PathBuf);

/// What a reader prefers: the media feature `prefers-color-scheme`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColourScheme {
    /// Dark text on a light page.
    Light,
    /// Light text on a dark page.
    Dark,
}

/// What a page looks like.
#[derive(Clone, Debug)]
pub struct Picture {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// Red, green and blue of each pixel, row by row.
    rgb: Vec<[u8; 3]>,
}

impl Browser {
    /// The browser of this machine; `None` where there is none, which is an error under continuous integration.
    pub fn find() -> Result<Option<Self>> {
        let path = env::var_os("PATH").unwrap_or_default();
        let programs =
            NAMES.iter().flat_map(|name| env::split_paths(&path).map(move |folder| folder.join(name)));
        let found = programs.into_iter().find(|program| program.is_file());
        ensure!(
            found.is_some() || env::var_os("CI").is_none(),
            "no Chromium on the path ({})",
            NAMES.join(", ")
        );
        Ok(found.map(Self))
    }

    /// Opens a page in a window of this many pixels, and lets its scripts run.
    pub fn open(&self, page: &Path, (width, height): (u32, u32)) -> Result<Document> {
        let copy = tempfile::Builder::new().suffix(".html").tempfile().context("no copy of the page")?;
        let page = fs::read_to_string(page).with_context(|| format!("no page {}", page.display()))?;
        fs::write(copy.path(), page + Document::MEASURE)?;
        let window = format!("--window-size={width},{height}");
        self.run(copy.path(), &["--dump-dom".to_owned(), window]).map(Document::new)
    }

    /// A picture of the upper left of a page, written to `to` as PNG.
    pub fn picture(
        &self,
        page: &Path,
        (width, height): (u32, u32),
        scheme: ColourScheme,
        to: &Path,
    ) -> Result<Picture> {
        // The numbers of Blink's own setting.
        let preferred = match scheme {
            ColourScheme::Dark => 0,
            ColourScheme::Light => 1,
        };
        self.run(
            page,
            &[
                format!("--screenshot={}", to.display()),
                format!("--window-size={width},{height}"),
                format!("--blink-settings=preferredColorScheme={preferred}"),
                "--force-device-scale-factor=1".to_owned(),
            ],
        )?;
        Picture::read(to)
    }

    /// What the browser prints.
    fn run(&self, page: &Path, arguments: &[String]) -> Result<String> {
        let profile = tempfile::tempdir().context("no folder for the browser's profile")?;
        let (said, complained) = (profile.path().join("stdout"), profile.path().join("stderr"));
        let mut process = Command::new(&self.0)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .args(["--disable-dev-shm-usage", "--disable-extensions", "--hide-scrollbars"])
            .arg(format!("--user-data-dir={}", profile.path().join("profile").display()))
            .args(arguments)
            .arg(format!("file://{}", page.canonicalize().context("where is the page?")?.display()))
            .stdin(Stdio::null())
            .stdout(File::create(&said)?)
            .stderr(File::create(&complained)?)
            .spawn()
            .with_context(|| format!("cannot start {}", self.0.display()))?;
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = process.try_wait()? {
                break status;
            }
            if Instant::now() > deadline {
                // An error says that it has ended by now.
                let _ = process.kill();
                process.wait()?;
                bail!("the browser did not end within {PATIENCE:?}\n{}", fs::read_to_string(&complained)?);
            }
            thread::sleep(Duration::from_millis(20));
        };
        ensure!(status.success(), "the browser failed: {status}\n{}", fs::read_to_string(&complained)?);
        fs::read_to_string(&said).context("the browser printed no text")
    }
}

impl Picture {
    fn read(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("no picture {}", path.display()))?;
        let mut decoder = png::Decoder::new(std::io::BufReader::new(file));
        decoder.set_transformations(png::Transformations::normalize_to_color8());
        let mut reader = decoder.read_info().context("the picture is no PNG")?;
        let mut bytes = vec![0; reader.output_buffer_size().context("the picture is too large")?];
        let info = reader.next_frame(&mut bytes).context("the picture is no whole PNG")?;
        let samples = info.color_type.samples();
        ensure!(samples >= 3, "the picture has no colours");
        let rgb = bytes.chunks_exact(samples).map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
        Ok(Self { width: info.width, height: info.height, rgb })
    }

    /// The different colours within a rectangle: left, top, width, height.
    pub fn colours(&self, [left, top, width, height]: [u32; 4]) -> Result<BTreeSet<[u8; 3]>> {
        let inside = left.checked_add(width).is_some_and(|right| right <= self.width)
            && top.checked_add(height).is_some_and(|bottom| bottom <= self.height);
        ensure!(inside, "{width} × {height} at {left}, {top} is not on the picture");
        let rows = self.rgb.chunks_exact(self.width as usize).skip(top as usize).take(height as usize);
        Ok(rows.flat_map(|row| row.iter().skip(left as usize).take(width as usize).copied()).collect())
    }

    /// How bright the upper left corner is, from 0 to 255.
    pub fn brightness_of_corner(&self) -> u8 {
        self.rgb.first().and_then(|pixel| pixel.iter().max().copied()).unwrap_or(0)
    }
}
